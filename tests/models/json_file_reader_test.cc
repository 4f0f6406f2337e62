// Laws of bounded JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/readers/json_file.h"
#include "support/expect_error.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr int kDepth = 8;

JsonObject object(const std::string& text) {
  return {parse_json(text, "c.json", kDepth), "c.json"};
}

TEST(JsonFile, GettersReadTheirType) {
  const JsonObject json = object(
      R"({"i": -3, "u": 9223372036854775807, "d": 2.5, "s": "é\n", "b": true, "o": {"i": 1}})");
  EXPECT_EQ(json.integer("i", -5, 5), -3);
  EXPECT_EQ(json.integer("u", 0, INT64_MAX), INT64_MAX);
  EXPECT_EQ(json.number("d"), 2.5);
  EXPECT_EQ(json.number("i"), -3.0);
  EXPECT_EQ(json.string("s"), "é\n");
  EXPECT_EQ(json.boolean("b"), true);
  EXPECT_EQ(json.object("o")->integer("i", 0, 1), 1);
  EXPECT_EQ(json.required_integer("i", -3, -3), -3);
}

TEST(JsonFile, NullIsTheSameAsMissing) {
  const JsonObject json = object(R"({"n": null})");
  for (const char* key : {"n", "missing"}) {
    EXPECT_FALSE(json.has(key));
    EXPECT_EQ(json.integer(key, 0, 1), std::nullopt);
    EXPECT_EQ(json.string(key), std::nullopt);
    EXPECT_THAT(corrupt_message([&] { json.required_string(key); }), HasSubstr("is missing"));
    EXPECT_THAT(corrupt_message([&] { json.required_integer(key, 0, 1); }),
                HasSubstr("is missing"));
  }
}

TEST(JsonFile, WrongTypesAreNamedWithFileAndKey) {
  const JsonObject json =
      object(R"({"s": "x", "i": 7, "f": 2.0, "u": 9223372036854775808, "o": {"x": []}})");
  EXPECT_EQ(corrupt_message([&] { json.integer("i", 0, 6); }),
            "c.json: key 'i' should be an integer from 0 to 6, found 7");
  EXPECT_EQ(corrupt_message([&] { json.object("o")->string("x"); }),
            "c.json at 'o': key 'x' should be a string, found []");
  corrupt_message([&] { json.integer("f", 0, 6); });
  corrupt_message([&] { json.integer("u", INT64_MIN, INT64_MAX); });
  corrupt_message([&] { json.integer("s", 0, 6); });
  corrupt_message([&] { json.number("s"); });
  corrupt_message([&] { json.boolean("i"); });
  corrupt_message([&] { json.string("i"); });
  corrupt_message([&] { json.object("i"); });
  corrupt_message([&] { object("[]"); });
}

TEST(JsonFile, WhatIsNotStrictJsonIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("{} x"), std::string("{'a': 1}"),
        std::string("{\"a\": 1,}"), std::string("// c\n{}"), std::string("{\"a\": NaN}"),
        std::string("{\"a\": 01}"), std::string("{\"a\": \"\xff\"}"),
        std::string("{\"a\": \"\\ud800\"}"), std::string("{\"a\": 1e999}"),
        std::string("{\"a\": \"\n\"}"), std::string("{}\0", 3), std::string("{}\0x", 4)})
    corrupt_message([&] { parse_json(text, "c.json", kDepth); });
}

TEST(JsonFile, AKeyOccursOnceInAnObject) {
  EXPECT_THAT(corrupt_message([] { object(R"({"a": 1, "b": {}, "a": 2})"); }),
              HasSubstr("'a' occurs twice"));
  EXPECT_THAT(corrupt_message([] { object(R"({"x": [{"a": 1, "a": 1}]})"); }), HasSubstr("twice"));
  EXPECT_THAT(corrupt_message([] { object(R"({"a": 1, "\u0061": 2})"); }), HasSubstr("twice"));
  EXPECT_NO_THROW(object(R"({"a": {"a": [{"a": 1}, {"a": 2}]}, "b": {"a": 1}})"));
}

TEST(JsonFile, DepthHoldsAtTheLimitAndNotBeyond) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_NO_THROW(parse_json(nested(kDepth), "c.json", kDepth));
  EXPECT_THAT(corrupt_message([&] { parse_json(nested(kDepth + 1), "c.json", kDepth); }),
              HasSubstr("nested"));
  EXPECT_THAT(corrupt_message([&] { parse_json(nested(1'000'000), "c.json", kDepth); }),
              HasSubstr("nested"));
}

TEST(JsonFile, FilesAreReadWithTheirLimit) {
  const TemporaryFolder folder;
  const std::string path = folder.write("config.json", R"({"a": 1})");
  EXPECT_EQ(JsonObject::read(path, 8, kDepth).integer("a", 0, 1), 1);
  EXPECT_THROW(JsonObject::read(path, 7, kDepth), Error);
}

}  // namespace
}  // namespace tandem
