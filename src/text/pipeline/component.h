// What all components of a tokenizer.json have in common: an object with a "type".
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include <tandem/constraint.h>

namespace tandem::pipeline {

// The "type" of a component. `where` is its place in the file. Throws Error{corrupt}.
std::string type_of(const nlohmann::json& component, const std::string& where);

// Error{unsupported} for a kind of component that is not built.
[[noreturn]] void fail_unknown(const std::string& where, const std::string& type);

// Members by their types. Throw Error{corrupt} where one is missing or something else.
const nlohmann::json& array_member(const nlohmann::json& object, const char* key,
                                   const std::string& where);
const nlohmann::json& object_member(const nlohmann::json& object, const char* key,
                                    const std::string& where);
// A whole number in [0, most]; `fallback` if it is missing or null.
std::size_t count_member(const nlohmann::json& object, const char* key, std::size_t fallback,
                         std::size_t most, const std::string& where);
// `value` as a token id in [0, most].
TokenId token_id(const nlohmann::json& value, std::int64_t most, const std::string& where);

}  // namespace tandem::pipeline
