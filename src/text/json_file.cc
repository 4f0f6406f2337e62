#include "text/json_file.h"

#include <algorithm>

#include <tandem/error.h>

#include "base/file_io.h"

namespace tandem {
namespace {

[[noreturn]] void wrong_type(const char* key, const char* expected, const nlohmann::json& found) {
  throw Error(ErrorCode::corrupt, std::string("key '") + key + "': " + expected +
                                      " was expected, found " + found.type_name());
}

nlohmann::json parse(const std::string& text, const std::string& path, const Limits& limits) {
  refuse_nul(text, path);
  const auto check_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > limits.max_json_depth)
      throw Error(ErrorCode::corrupt,
                  path + ": JSON deeper than " + std::to_string(limits.max_json_depth) + " levels");
    return true;
  };
  try {
    return nlohmann::json::parse(text, check_depth);
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::corrupt, path + ": not valid JSON: " + e.what());
  }
}

}  // namespace

void refuse_nul(std::string_view text, const std::string& name) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw Error(ErrorCode::corrupt,
                name + ": not valid JSON: a NUL at byte " + std::to_string(nul));
}

nlohmann::json read_json_object(const std::string& path, const Limits& limits) {
  nlohmann::json value =
      parse(read_file(path, limits.max_config_bytes, "configuration"), path, limits);
  if (!value.is_object())
    throw Error(ErrorCode::corrupt,
                path + ": a JSON object was expected, found " + std::string(value.type_name()));
  return value;
}

std::vector<std::string> read_json_strings(const std::string& path, const Limits& limits) {
  const nlohmann::json value =
      parse(read_file(path, limits.max_tokenizer_bytes, "vocabulary"), path, limits);
  const bool is_list =
      value.is_array() &&
      std::all_of(value.begin(), value.end(), [](const auto& entry) { return entry.is_string(); });
  if (!is_list) throw Error(ErrorCode::corrupt, path + ": a JSON list of strings was expected");
  return value.get<std::vector<std::string>>();
}

std::string string_member(const nlohmann::json& object, const char* key,
                          const std::string& fallback) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return fallback;
  if (!member->is_string()) wrong_type(key, "a string", *member);
  return member->get<std::string>();
}

bool bool_member(const nlohmann::json& object, const char* key, bool fallback) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return fallback;
  if (!member->is_boolean()) wrong_type(key, "true or false", *member);
  return member->get<bool>();
}

}  // namespace tandem
