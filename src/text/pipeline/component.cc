#include "text/pipeline/component.h"

#include <cstdint>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/json_file.h"

namespace tandem::pipeline {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& expected) {
  throw Error(ErrorCode::corrupt, where + ": " + expected + " was expected");
}

// Whether `value` is a whole number from 0 to `most`.
bool is_count(const nlohmann::json& value, std::uint64_t most) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= most;
  return value.is_number_integer() && value.get<std::int64_t>() >= 0 &&
         static_cast<std::uint64_t>(value.get<std::int64_t>()) <= most;
}

}  // namespace

std::string type_of(const nlohmann::json& component, const std::string& where) {
  if (!component.is_object()) fail(where, "an object with a \"type\"");
  const std::string type = string_member(component, "type", "");
  if (type.empty()) fail(where, "a \"type\"");
  return type;
}

void fail_unknown(const std::string& where, const std::string& type) {
  throw Error(ErrorCode::unsupported, where + ": the kind " + quote(type) + " is not built");
}

const nlohmann::json& array_member(const nlohmann::json& object, const char* key,
                                   const std::string& where) {
  const auto member = object.find(key);
  if (member == object.end() || !member->is_array())
    fail(where, "a list '" + std::string(key) + "'");
  return *member;
}

const nlohmann::json& object_member(const nlohmann::json& object, const char* key,
                                    const std::string& where) {
  const auto member = object.find(key);
  if (member == object.end() || !member->is_object())
    fail(where, "an object '" + std::string(key) + "'");
  return *member;
}

std::size_t count_member(const nlohmann::json& object, const char* key, std::size_t fallback,
                         std::size_t most, const std::string& where) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return fallback;
  if (!is_count(*member, most))
    fail(where, "a whole number from 0 to " + std::to_string(most) + " as '" + key + "'");
  return member->get<std::size_t>();
}

TokenId token_id(const nlohmann::json& value, std::int64_t most, const std::string& where) {
  if (most < 0 || !is_count(value, static_cast<std::uint64_t>(most)))
    fail(where, "a token id from 0 to " + std::to_string(most));
  return value.get<TokenId>();
}

}  // namespace tandem::pipeline
