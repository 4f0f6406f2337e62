// Laws of the reader of Marian's YAML.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/readers/marian_yaml.h"
#include "support/damaged_bytes.h"
#include "support/expect_error.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

MarianYaml parse(const std::string& text) {
  return MarianYaml::parse(text, "m.yml");
}

TEST(MarianYaml, ReadsWhatMarianWrites) {
  const MarianYaml yaml = parse(
      "dec-cell: ssru\n"
      "dim-vocabs:\n  - 32000\n  - 32001\n"
      "tied-embeddings-all: true\n"
      "transformer-preprocess: \"\"\n"
      "transformer-tied-layers: []\n"
      "skip-cost:\n  []\n"
      "version: v1.9.56 94aeaa46 2021-04-28 00:28:35 +0100");
  EXPECT_EQ(yaml.string("dec-cell"), "ssru");
  EXPECT_THAT(*yaml.integers("dim-vocabs", 1, 100'000), ElementsAre(32000, 32001));
  EXPECT_EQ(yaml.boolean("tied-embeddings-all"), true);
  EXPECT_EQ(yaml.string("transformer-preprocess"), "");
  EXPECT_THAT(*yaml.integers("transformer-tied-layers", 1, 6), IsEmpty());
  EXPECT_THAT(*yaml.strings("skip-cost"), IsEmpty());
  EXPECT_EQ(yaml.string("version"), "v1.9.56 94aeaa46 2021-04-28 00:28:35 +0100");
}

TEST(MarianYaml, ReadsWhatPeopleWrite) {
  const MarianYaml yaml = parse(
      "---\r\n"
      "# how to decode\r\n"
      "relative-paths: true   # beside this file\r\n"
      "models: [ \"a b.bin\", 'it''s', c#d ]\r\n"
      "vocabs:\r\n"
      "- vocab.spm  # source\r\n"
      "- \"vocab: #2.spm\"\r\n"
      "shortlist:\r\n"
      "    - lex.bin\r\n"
      "    - false\r\n"
      "max-length-factor: 2.5\r\n"
      "word-penalty: 0\r\n"
      "'quoted key': \"tab\\tquote\\\"\"\r\n"
      "empty:\r\n"
      "nothing: ~\r\n"
      "below:\r\n"
      "  the value\r\n");
  EXPECT_EQ(yaml.boolean("relative-paths"), true);
  EXPECT_THAT(*yaml.strings("models"), ElementsAre("a b.bin", "it's", "c#d"));
  EXPECT_THAT(*yaml.strings("vocabs"), ElementsAre("vocab.spm", "vocab: #2.spm"));
  EXPECT_THAT(*yaml.strings("shortlist"), ElementsAre("lex.bin", "false"));
  EXPECT_EQ(yaml.number("max-length-factor"), 2.5);
  EXPECT_EQ(yaml.number("word-penalty"), 0);
  EXPECT_EQ(yaml.string("quoted key"), "tab\tquote\"");
  EXPECT_FALSE(yaml.has("empty"));
  EXPECT_FALSE(yaml.has("nothing"));
  EXPECT_EQ(yaml.string("below"), "the value");
  EXPECT_EQ(yaml.string("missing"), std::nullopt);
  EXPECT_THAT(*yaml.strings("word-penalty"), ElementsAre("0")) << "a scalar is a list of one";
}

TEST(MarianYaml, NestedValuesDoNoHarmUntilTheyAreAskedFor) {
  for (const char* nested : {"key:\n  a: 1\n  b: 2\n", "key:\n  - - 1\n    - 2\n", "key: {a: 1}\n",
                             "key: [[1, 2], 3]\n", "key: |\n  text: of\n  several lines\n",
                             "key:\n  - a: 1\n    b: 2\n", "key: 1\n  more: 2\n"}) {
    const MarianYaml yaml = parse(std::string(nested) + "after: 7\n");
    EXPECT_EQ(yaml.integer("after", 0, 9), 7) << nested;
    EXPECT_TRUE(yaml.has("key"));
    EXPECT_EQ(refusal_of([&] { yaml.strings("key"); }).first, ErrorCode::unsupported) << nested;
  }
}

TEST(MarianYaml, WrongTypesAreNamedWithFileAndKey) {
  const MarianYaml yaml = parse("a: x\nb: [1, 2]\nc: 7\nd: 1e999\n");
  const std::pair<ErrorCode, std::string> refusals[] = {
      refusal_of([&] { yaml.integer("a", 0, 9); }),  refusal_of([&] { yaml.boolean("a"); }),
      refusal_of([&] { yaml.number("a"); }),         refusal_of([&] { yaml.string("b"); }),
      refusal_of([&] { yaml.integers("b", 0, 1); }), refusal_of([&] { yaml.integer("c", 0, 6); }),
      refusal_of([&] { yaml.number("d"); })};
  for (const auto& [code, message] : refusals) {
    EXPECT_EQ(code, ErrorCode::corrupt);
    EXPECT_THAT(message, HasSubstr("m.yml: key '"));
  }
  EXPECT_THAT(refusals[5].second, HasSubstr("from 0 to 6, found '7'"));
}

TEST(MarianYaml, WhatIsNoFlatYamlIsRefusedWithItsLine) {
  for (const char* text :
       {"no colon", "a: 1\na: 2", "\ta: 1", "- item", "a: \"open", "a: [1, 2", "a: 'x' y",
        "a: b: c", "a: \"\\q\"", "  indented", "a: [1 2, 'x' 3]", "a: x\x01y", "\"k\" 1"}) {
    const auto [code, message] = refusal_of([&] { parse(text); });
    EXPECT_EQ(code, ErrorCode::corrupt) << text;
    EXPECT_THAT(message, HasSubstr("m.yml: line ")) << text;
  }
  for (const char* text : {"a: &x 1", "a: *x", "a: !!python/object 1", "a: [*x]", "a:\n  - &x 1"})
    EXPECT_EQ(refusal_of([&] { parse(text); }).first, ErrorCode::unsupported) << text;
}

TEST(MarianYaml, HugeAndDeepInputIsReadInLinearTime) {
  std::string keys, deep, flow(1'000'000, '[');
  for (int i = 0; i < 20'000; ++i) keys += "k" + std::to_string(i) + ": v\n";
  deep = "a:\n";
  for (int i = 1; i < 1'000; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_EQ(parse(keys).string("k19999"), "v");
  EXPECT_TRUE(parse(deep).has("a"));
  EXPECT_TRUE(parse("a: " + flow).has("a"));
}

TEST(MarianYaml, EveryTruncationAndBitFlipIsRefusedOrLoads) {
  const std::string whole = "a: [x, 'y']\nb:\n  - \"z\"\n  - 1\nc: &d\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      try {
        parse(with_flipped_bit(whole.substr(0, size + 1), size * 8 + bit)).has("a");
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal);
      }
    }
  }
}

}  // namespace
}  // namespace tandem
