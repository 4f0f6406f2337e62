// JSON files of a model directory, read within bounds.
//
// The size is limited before the file is read (Limits::max_config_bytes), the depth while it is
// parsed (Limits::max_json_depth). Comments, NaN and text after the value are errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/options.h>

namespace tandem {

// The object in the file. Throws Error: not_found, resource_exhausted, corrupt (not JSON, too deep,
// not an object).
nlohmann::json read_json_object(const std::string& path, const Limits& limits);

// Throws Error{corrupt} if the text holds a NUL, which the parser would take for its end.
void refuse_nul(std::string_view text, const std::string& name);
// The list of strings in a vocabulary file (Limits::max_tokenizer_bytes). Throws the same.
std::vector<std::string> read_json_strings(const std::string& path, const Limits& limits);

// A member that must be a string if it is there; `fallback` if it is missing or null.
std::string string_member(const nlohmann::json& object, const char* key,
                          const std::string& fallback);
// The same for a boolean.
bool bool_member(const nlohmann::json& object, const char* key, bool fallback);

}  // namespace tandem
