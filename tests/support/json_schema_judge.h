// Whether a JSON value meets a schema, by walking the value: the validation rules of JSON Schema
// for the keywords that constraints know, with no other properties than the named ones.
#pragma once

#include <algorithm>
#include <regex>
#include <string>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace tandem::testing {

class JsonSchemaJudge {
 public:
  using Json = nlohmann::json;
  explicit JsonSchemaJudge(Json schema) : root_(std::move(schema)) {}

  bool accepts(const Json& value) const { return accepts(root_, value); }

 private:
  static bool has_type(const Json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == value.type_name();
  }
  static std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  }
  static bool within(std::size_t count, const Json& schema, const char* least, const char* most) {
    return count >= schema.value(least, std::size_t{0}) && count <= schema.value(most, count);
  }

  bool accepts(const Json& schema, const Json& value) const {
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.contains("$ref"))
      return accepts(root_.at(Json::json_pointer(schema["$ref"].get<std::string>().substr(1))),
                     value);
    if (schema.contains("const") && value != schema["const"]) return false;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      return false;
    if (schema.contains("anyOf") &&
        std::none_of(schema["anyOf"].begin(), schema["anyOf"].end(),
                     [&](const Json& each) { return accepts(each, value); }))
      return false;
    if (schema.contains("type")) {
      const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
      if (std::none_of(types.begin(), types.end(),
                       [&](const Json& type) { return has_type(value, type); }))
        return false;
    }
    return value.is_string()   ? accepts_string(schema, value)
           : value.is_array()  ? accepts_array(schema, value)
           : value.is_object() ? accepts_object(schema, value)
                               : true;
  }
  bool accepts_string(const Json& schema, const Json& value) const {
    const std::string& text = value.get_ref<const std::string&>();
    if (!within(characters(text), schema, "minLength", "maxLength")) return false;
    return !schema.contains("pattern") ||
           std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
  }
  bool accepts_array(const Json& schema, const Json& value) const {
    if (!within(value.size(), schema, "minItems", "maxItems")) return false;
    return !schema.contains("items") ||
           std::all_of(value.begin(), value.end(),
                       [&](const Json& item) { return accepts(schema["items"], item); });
  }
  bool accepts_object(const Json& schema, const Json& value) const {
    for (const Json& name : schema.value("required", Json::array()))
      if (!value.contains(name.get<std::string>())) return false;
    for (const auto& member : value.items()) {
      const Json properties = schema.value("properties", Json::object());
      if (properties.contains(member.key())) {
        if (!accepts(properties[member.key()], member.value())) return false;
      } else if (schema.contains("properties")) {
        return false;
      } else if (schema.contains("additionalProperties") &&
                 !accepts(schema["additionalProperties"], member.value())) {
        return false;
      }
    }
    return true;
  }

  Json root_;
};

}  // namespace tandem::testing
