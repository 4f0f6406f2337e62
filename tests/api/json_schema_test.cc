// JSON schemas: every text of the language is a value of the schema, by a judge of its own, and the
// values that it should have are texts of it.
#include "api/json_schema.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "support/grammar_language.h"
#include "support/json_schema_judge.h"
#include "support/random_case.h"

namespace tandem::testing {
namespace {

using Json = nlohmann::json;

const char* const kPerson = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "a person", "type": "object",
  "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 6},
    "age": {"type": "integer"},
    "height": {"type": ["number", "null"]},
    "tags": {"type": "array", "items": {"enum": ["a", "b\"\n", 3]}, "minItems": 1, "maxItems": 3},
    "home": {"type": "object", "properties": {"zip": {"type": "string", "pattern": "^[0-9]{3}$"},
             "flat": {"type": "boolean"}}, "required": ["zip"]},
    "kind": {"const": {"x": [1, null]}}
  },
  "required": ["age", "tags"]
})";

const char* const kTree = R"({
  "$ref": "#/$defs/node",
  "$defs": {"node": {"type": "object", "properties": {
    "value": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["value"]}}
})";

const char* const kSchemas[] = {
    kPerson,
    kTree,
    "{}",
    "true",
    R"({"type": "object"})",
    R"({"type": "object", "additionalProperties": {"type": "boolean"}})",
    R"({"type": "object", "properties": {}})",
    R"({"properties": {"a": {}, "b": {"type": "null"}, "c": {"type": "string"}}})",
    R"({"type": "array"})",
    R"({"items": {"type": "integer"}, "maxItems": 0})",
    R"({"items": {"type": "integer"}, "minItems": 2})",
    R"({"type": "string", "pattern": "a\"?[\\\\\\n]b$"})",
    R"({"type": "string", "maxLength": 2})",
    R"({"enum": ["x", 1, 2.5, null, {"a": ["b"]}], "type": ["string", "number"]})",
    R"({"type": ["integer", "array"], "items": {"const": "q"}})",
};

// A random text of the language: bytes at random among those that lead somewhere, soon those that
// lead to an end.
std::string random_text(const Network& network, Random& random) {
  Automaton automaton(network);
  TextState* state = automaton.start();
  std::string text;
  for (int length = 0; length < 400; ++length) {
    if (state->accepting && (length > 60 || random.chance(20))) return text;
    std::vector<std::pair<int, TextState*>> next;
    for (int byte = 0; byte < 256; ++byte) {
      TextState* target = automaton.step(state, static_cast<std::uint8_t>(byte));
      if (target == nullptr) continue;
      if (length > 60 && target->distance >= state->distance) continue;
      next.emplace_back(byte, target);
    }
    if (next.empty()) return state->accepting ? text : text + "<dead end>";
    // Printable bytes are preferred, so that texts are not all of multi-byte characters.
    std::vector<std::pair<int, TextState*>> plain;
    for (const auto& each : next)
      if (each.first < 0x7F) plain.push_back(each);
    const auto& among = plain.empty() || random.chance(10) ? next : plain;
    const auto& [byte, target] =
        among[static_cast<std::size_t>(random.number(0, static_cast<int>(among.size()) - 1))];
    text += static_cast<char>(byte);
    state = target;
  }
  return text;
}

TEST(JsonSchema, EveryTextIsAValueOfTheSchema) {
  for (const char* schema : kSchemas) {
    SCOPED_TRACE(schema);
    const Network network = Network::compile(json_schema_grammar(schema));
    const Json parsed = Json::parse(schema);
    Random random(11);
    for (int i = 0; i < 300; ++i) {
      const std::string text = random_text(network, random);
      const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
      ASSERT_FALSE(value.is_discarded()) << text;
      ASSERT_TRUE(JsonSchemaJudge(parsed).accepts(value)) << text;
    }
  }
}

TEST(JsonSchema, ValuesOfTheSchemaAreTexts) {
  const auto contains = [](const char* schema, const std::string& text) {
    return Language(json_schema_grammar(schema)).contains(text);
  };
  EXPECT_TRUE(contains(kPerson, R"({"age":3,"tags":["a"]})"));
  EXPECT_TRUE(contains(kPerson, R"({ "name": "Zoë\"", "age": -12, "tags": ["b\"\n", 3] })"));
  EXPECT_TRUE(contains(
      kPerson,
      R"({"age": 0,"height": 1.75e2, "tags": [3], "home": {"zip": "012"}, "kind": {"x":[1,null]}})"));
  EXPECT_FALSE(contains(kPerson, R"({"tags":["a"]})")) << "age is required";
  EXPECT_FALSE(contains(kPerson, R"({"tags":["a"],"age":3})")) << "the schema's order";
  EXPECT_FALSE(contains(kPerson, R"({"age":3,"tags":["a"],"x":1})")) << "nothing else";
  EXPECT_FALSE(contains(kPerson, R"({"age":3,"tags":[]})")) << "too few";
  EXPECT_FALSE(contains(kPerson, R"({"age":3,"tags":["a"],"home":{"zip":"12"}})")) << "the pattern";
  EXPECT_FALSE(contains(kPerson, R"({"name":"","age":3,"tags":["a"]})")) << "too short";
  EXPECT_TRUE(contains(kTree, R"({"value": 1, "children": [{"value": true, "children": []}]})"));
  EXPECT_TRUE(contains("{}", R"([{"a": [1, "x"]}, null])"));
  EXPECT_TRUE(contains(kSchemas[11], "\"xa\\\"\\\\b\""));
  EXPECT_TRUE(contains(kSchemas[11], "\"a\\nb\""));
  EXPECT_FALSE(contains(kSchemas[11], "\"a\nb\"")) << "a control character needs an escape";
  EXPECT_FALSE(contains(kSchemas[13], "null")) << "an enum value of another type";
}

struct Refusal {
  const char* schema;
  ErrorCode code;
  const char* named;
};

TEST(JsonSchema, RefusesWhatItCannotPromiseAndSaysWhere) {
  const Refusal refusals[] = {
      {"{", ErrorCode::invalid_argument, "no JSON, at byte"},
      {"3", ErrorCode::invalid_argument, "at $: expected a schema"},
      {R"({"const": 6e66666})", ErrorCode::invalid_argument, "out of range"},
      {R"({"type": "text"})", ErrorCode::invalid_argument, "at $.type: expected the name of a type"},
      {R"({"properties": {"a": {"type": "string", "format": "date"}}})", ErrorCode::unsupported,
       "'$.properties.a.format'"},
      {R"({"type": "integer", "minimum": 3})", ErrorCode::unsupported, "'$.minimum'"},
      {R"({"type": "integer", "minLength": 3})", ErrorCode::unsupported, "'$.minLength'"},
      {R"({"oneOf": [{}]})", ErrorCode::unsupported, "'$.oneOf'"},
      {R"({"anyOf": [{}], "type": "string"})", ErrorCode::unsupported, "'$.type'"},
      {R"({"anyOf": []})", ErrorCode::invalid_argument, "$.anyOf: expected a list"},
      {R"({"enum": []})", ErrorCode::invalid_argument, "$.enum: expected a list"},
      {R"({"$ref": "other.json"})", ErrorCode::unsupported, "leads out"},
      {R"({"$ref": "#/$defs/x"})", ErrorCode::invalid_argument, "'#/$defs/x'"},
      {R"({"$ref": "#"})", ErrorCode::unsatisfiable, "empty"},
      {R"({"type": "string", "pattern": "a", "maxLength": 3})", ErrorCode::unsupported,
       "together with a length"},
      {R"j({"type": "string", "pattern": "(?=a)"})j", ErrorCode::unsupported, "look-around"},
      {R"({"type": "string", "minLength": 3, "maxLength": 2})", ErrorCode::invalid_argument,
       "$.maxLength: expected at least minLength"},
      {R"({"type": "string", "maxLength": -1})", ErrorCode::invalid_argument, "$.maxLength"},
      {R"({"type": "string", "maxLength": 1000000})", ErrorCode::resource_exhausted, "$.maxLength"},
      {R"({"properties": {"a": {}}, "required": ["b"]})", ErrorCode::invalid_argument, "'b'"},
      {R"({"properties": {"a": {}}, "additionalProperties": true})", ErrorCode::unsupported,
       "beside properties"},
      {"false", ErrorCode::unsatisfiable, "empty"},
      {R"({"enum": [1], "type": "string"})", ErrorCode::unsatisfiable, "empty"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.schema);
    expect_error([&] { Network::compile(json_schema_grammar(refusal.schema)); }, refusal.code,
                 refusal.named);
  }
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += R"({"items":)";
  expect_error([&] { json_schema_grammar(deep + "true" + std::string(200, '}')); },
               ErrorCode::resource_exhausted, "nested");
}

}  // namespace
}  // namespace tandem::testing
