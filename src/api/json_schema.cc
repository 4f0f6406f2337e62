#include "api/json_schema.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/error.h>
#include <tandem/text_constraint.h>

#include "api/json_text.h"
#include "base/quote.h"
#include "decoding/constraints/text_language.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;  // properties are generated in the schema's order
using Node = Grammar::Node;
using Keys = std::span<const std::string_view>;

constexpr int kMostDepth = 64;

constexpr std::string_view kNotes[] = {"title",      "description", "default",   "examples",
                                       "$schema",    "$id",         "$comment",  "$defs",
                                       "deprecated", "readOnly",    "writeOnly", "definitions"};
constexpr std::string_view kStringKeys[] = {"minLength", "maxLength", "pattern"};
constexpr std::string_view kArrayKeys[] = {"items", "minItems", "maxItems"};
constexpr std::string_view kObjectKeys[] = {"properties", "required", "additionalProperties"};

bool has_one_of(const Json& schema, Keys keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return schema.contains(key); });
}

bool is_of_type(const Json& value, const std::string& type) {
  return type == "null"      ? value.is_null()
         : type == "boolean" ? value.is_boolean()
         : type == "string"  ? value.is_string()
         : type == "array"   ? value.is_array()
         : type == "object"  ? value.is_object()
         : type == "integer" ? value.is_number_integer()
                             : type == "number" && value.is_number();
}

[[noreturn]] void wrong(const std::string& path, const std::string& expected) {
  throw Error(ErrorCode::invalid_argument, "JSON schema, at " + path + ": expected " + expected);
}

Json parse(std::string_view text) {
  const auto check_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth)
      throw Error(ErrorCode::resource_exhausted,
                  "a JSON schema is nested more than " + std::to_string(kMostDepth) + " deep");
    return true;
  };
  try {
    return Json::parse(text, check_depth);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::invalid_argument,
                "JSON schema: no JSON, at byte " + std::to_string(error.byte));
  } catch (const Json::out_of_range&) {
    throw Error(ErrorCode::invalid_argument, "JSON schema: a number is out of range");
  }
}

class SchemaCompiler {
 public:
  explicit SchemaCompiler(std::string_view schema) : schema_(parse(schema)), text_(grammar_) {}

  Grammar compile() {
    rule_of("");  // the start
    while (!open_.empty()) {
      const auto [pointer, rule] = open_.back();
      open_.pop_back();
      grammar_.define(rule, value(schema_.at(pointer), "$" + pointer.to_string()));
    }
    return std::move(grammar_);
  }

 private:
  using Pointer = Json::json_pointer;

  // The rule of the schema at a JSON pointer; it is written when its turn comes.
  Grammar::Rule rule_of(const std::string& pointer) {
    const auto known = rules_.find(pointer);
    if (known != rules_.end()) return known->second;
    const Grammar::Rule rule = grammar_.add_rule("#" + pointer);
    rules_.emplace(pointer, rule);
    open_.emplace_back(Pointer(pointer), rule);
    return rule;
  }

  // A schema as a part of the grammar. Recursion is bounded by kMostDepth.
  Node value(const Json& schema, const std::string& path) {
    if (schema.is_boolean())
      return schema.get<bool>() ? text_.any() : grammar_.characters(CodePoints());
    if (!schema.is_object()) wrong(path, "a schema");
    if (schema.contains("$ref")) return reference(schema, path);
    if (schema.contains("const")) return constants(schema, "const", {schema["const"]}, path);
    if (schema.contains("enum")) {
      if (!schema["enum"].is_array() || schema["enum"].empty())
        wrong(path + ".enum", "a list of values");
      return constants(schema, "enum", {schema["enum"].begin(), schema["enum"].end()}, path);
    }
    if (schema.contains("anyOf")) return any_of(schema, path);
    std::vector<Node> alternatives;
    const std::vector<std::string> types = types_of(schema, path);
    check_keys(schema, path, types);
    for (const std::string& type : types) alternatives.push_back(typed(type, schema, path));
    return types.empty() ? text_.any() : grammar_.choice(std::move(alternatives));
  }

  std::vector<std::string> types_of(const Json& schema, const std::string& path) const {
    if (!schema.contains("type")) {
      if (has_one_of(schema, kObjectKeys)) return {"object"};
      if (has_one_of(schema, kArrayKeys)) return {"array"};
      if (has_one_of(schema, kStringKeys)) return {"string"};
      return {};
    }
    const Json& type = schema["type"];
    std::vector<std::string> types;
    for (const Json& name : type.is_array() ? type : Json::array({type})) {
      constexpr std::string_view kTypes[] = {"null",  "boolean", "string", "integer",
                                             "array", "object",  "number"};
      if (!name.is_string() || std::find(std::begin(kTypes), std::end(kTypes),
                                         name.get_ref<const std::string&>()) == std::end(kTypes))
        wrong(path + ".type", "the name of a type");
      types.push_back(name);
    }
    if (types.empty()) wrong(path + ".type", "the name of a type");
    return types;
  }

  // What is not said about any of the types cannot be promised.
  void check_keys(const Json& schema, const std::string& path,
                  const std::vector<std::string>& types) const {
    std::vector<std::string_view> known{"type"};
    const auto add = [&](const char* type, Keys keys) {
      if (std::find(types.begin(), types.end(), type) != types.end())
        known.insert(known.end(), keys.begin(), keys.end());
    };
    add("string", kStringKeys);
    add("array", kArrayKeys);
    add("object", kObjectKeys);
    refuse_others(schema, path, known);
  }
  void refuse_others(const Json& schema, const std::string& path, Keys known) const {
    for (const auto& member : schema.items()) {
      const std::string& key = member.key();
      if (std::find(known.begin(), known.end(), key) == known.end() &&
          std::find(std::begin(kNotes), std::end(kNotes), key) == std::end(kNotes))
        throw Error(ErrorCode::unsupported, "JSON schema: the keyword " + quote(path + "." + key) +
                                                " is not supported here");
    }
  }

  Node reference(const Json& schema, const std::string& path) {
    constexpr std::string_view kKnown[] = {"$ref"};
    refuse_others(schema, path, kKnown);
    if (!schema["$ref"].is_string()) wrong(path + ".$ref", "a reference");
    const std::string target = schema["$ref"];
    if (!target.starts_with('#'))
      throw Error(ErrorCode::unsupported,
                  "JSON schema: " + quote(path + ".$ref") + " leads out of the document");
    try {
      schema_.at(Pointer(target.substr(1)));
    } catch (const Json::exception&) {
      wrong(path + ".$ref", "a reference to a part of the document, found " + quote(target));
    }
    return grammar_.call(rule_of(target.substr(1)));
  }

  Node constants(const Json& schema, std::string_view keyword, std::vector<Json> values,
                 const std::string& path) {
    const std::string_view known[] = {keyword, "type"};
    refuse_others(schema, path, known);
    if (schema.contains("type")) {
      const std::vector<std::string> types = types_of(schema, path);
      std::erase_if(values, [&](const Json& constant) {
        return std::none_of(types.begin(), types.end(),
                            [&](const std::string& type) { return is_of_type(constant, type); });
      });
    }
    std::vector<Node> alternatives;
    for (const Json& constant : values)
      alternatives.push_back(grammar_.bytes(spelling(constant, path)));
    if (alternatives.empty()) return grammar_.characters(CodePoints());
    return grammar_.choice(std::move(alternatives));
  }

  static std::string spelling(const Json& constant, const std::string& path) {
    try {
      return constant.dump();
    } catch (const Json::exception&) {
      wrong(path, "UTF-8");
    }
  }

  Node any_of(const Json& schema, const std::string& path) {
    constexpr std::string_view kKnown[] = {"anyOf"};
    refuse_others(schema, path, kKnown);
    const Json& list = schema["anyOf"];
    if (!list.is_array() || list.empty()) wrong(path + ".anyOf", "a list of schemas");
    std::vector<Node> alternatives;
    for (std::size_t i = 0; i < list.size(); ++i)
      alternatives.push_back(value(list[i], path + ".anyOf[" + std::to_string(i) + "]"));
    return grammar_.choice(std::move(alternatives));
  }

  Node typed(const std::string& type, const Json& schema, const std::string& path) {
    if (type == "null") return text_.null();
    if (type == "boolean") return text_.boolean();
    if (type == "integer") return text_.integer();
    if (type == "number") return text_.number();
    if (type == "string") return string(schema, path);
    if (type == "array") return array(schema, path);
    return object(schema, path);
  }

  // A count that the schema names, or `fallback`.
  int count(const Json& schema, const char* key, int fallback, const std::string& path) const {
    if (!schema.contains(key)) return fallback;
    const Json& number = schema[key];
    if (!number.is_number_unsigned()) wrong(path + "." + key, "a count");
    if (number.get<std::uint64_t>() > Grammar::kMostRepeats)
      throw Error(ErrorCode::resource_exhausted, "JSON schema: " + path + "." + key +
                                                     " is more than " +
                                                     std::to_string(Grammar::kMostRepeats));
    return number.get<int>();
  }
  std::pair<int, int> counts(const Json& schema, const char* least_key, const char* most_key,
                             const std::string& path) const {
    const int least = count(schema, least_key, 0, path);
    const int most = count(schema, most_key, Grammar::kUnbounded, path);
    if (most != Grammar::kUnbounded && most < least)
      wrong(path + "." + most_key, "at least " + std::string(least_key));
    return {least, most};
  }

  Node string(const Json& schema, const std::string& path) {
    const auto [least, most] = counts(schema, "minLength", "maxLength", path);
    if (!schema.contains("pattern")) return text_.string(least, most);
    if (schema.contains("minLength") || schema.contains("maxLength"))
      throw Error(ErrorCode::unsupported,
                  "JSON schema: " + quote(path + ".pattern") + " together with a length",
                  "say the length in the pattern");
    if (!schema["pattern"].is_string()) wrong(path + ".pattern", "a regular expression");
    return text_.string_matching(schema["pattern"].get_ref<const std::string&>());
  }

  Node array(const Json& schema, const std::string& path) {
    const auto [least, most] = counts(schema, "minItems", "maxItems", path);
    const Node item =
        schema.contains("items") ? value(schema["items"], path + ".items") : text_.any();
    // As a rule of its own, so that counts do not write it out again and again.
    const Grammar::Rule rule = grammar_.add_rule(path + ".items");
    grammar_.define(rule, item);
    return text_.array(grammar_.call(rule), least, most);
  }

  Node object(const Json& schema, const std::string& path) {
    const Json properties = schema.value("properties", Json::object());
    const Json required = schema.value("required", Json::array());
    if (!properties.is_object()) wrong(path + ".properties", "an object of schemas");
    if (!required.is_array()) wrong(path + ".required", "a list of names");
    for (const Json& name : required) {
      if (!name.is_string()) wrong(path + ".required", "a list of names");
      if (!properties.contains(name.get_ref<const std::string&>()))
        wrong(path + ".required",
              "names of properties, found " + quote(name.get_ref<const std::string&>()));
    }
    if (schema.contains("additionalProperties")) {
      const Json& others = schema["additionalProperties"];
      if (!properties.empty() && others != false)
        throw Error(ErrorCode::unsupported,
                    "JSON schema: " + quote(path + ".additionalProperties") + " beside properties");
      if (properties.empty() && others != false)
        return text_.map(value(others, path + ".additionalProperties"));
    } else if (!schema.contains("properties")) {
      return text_.map(text_.any());
    }
    return text_.braces(members(properties, required, path));
  }

  // The properties in their order. Two rules for each place: what may follow where nothing stands
  // yet, and where a comma is needed.
  Node members(const Json& properties, const Json& required, const std::string& path) {
    Node first = grammar_.empty();
    Node next = grammar_.empty();
    std::vector<std::pair<std::string, const Json*>> list;
    for (const auto& member : properties.items()) list.emplace_back(member.key(), &member.value());
    for (auto property = list.rbegin(); property != list.rend(); ++property) {
      const auto& [name, schema] = *property;
      const std::string where = path + ".properties." + name;
      const Node member = grammar_.sequence({grammar_.bytes(spelling(Json(name), where) + ":"),
                                             text_.space(), value(*schema, where)});
      const Grammar::Rule rule = grammar_.add_rule(where);
      grammar_.define(rule, member);
      const Node here = grammar_.call(rule);
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      const Node as_first = grammar_.sequence({here, next});
      const Node as_next = grammar_.sequence({text_.comma(), here, next});
      const auto or_without = [&](Node with, Node without) {
        const Grammar::Rule place = grammar_.add_rule(where);
        grammar_.define(place, is_required ? with : grammar_.choice({with, without}));
        return grammar_.call(place);
      };
      first = or_without(as_first, first);
      next = or_without(as_next, next);
    }
    return first;
  }

  const Json schema_;
  Grammar grammar_;
  JsonText text_;
  std::map<std::string, Grammar::Rule> rules_;
  std::vector<std::pair<Pointer, Grammar::Rule>> open_;
};

}  // namespace

Grammar json_schema_grammar(std::string_view schema) {
  return SchemaCompiler(schema).compile();
}

std::shared_ptr<const Constraint> make_json_schema_constraint(std::shared_ptr<const TokenText> text,
                                                              std::string_view schema) {
  return make_text_constraint(std::move(text), json_schema_grammar(schema));
}

}  // namespace tandem
