#include "text/vocabulary.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ErrorCode error_of(std::string_view text, const std::string& name, const Limits& limits = {}) {
  try {
    (void)Vocabulary::parse(text, name, limits);
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr(name));
    return error.code();
  }
  ADD_FAILURE() << "no error for " << text;
  return ErrorCode::internal;
}

TEST(Vocabulary, JsonAndYamlSayTheSame) {
  const std::pair<const char*, const char*> files[] = {
      {"vocab.json",
       R"({"</s>": 0, "<unk>": 1, "▁a": 4, "\"": 2, "\u00e9\ud83d\ude00": 3, ": 7": 5})"},
      {"vocab.yml",
       "</s>: 0\n\"<unk>\": 1\r\n'▁a': 4\n\"\\\"\": 2\n\"\\xe9\\U0001f600\": 3\n\": 7\": 5\n"},
      {"vocab.yml", "---\n'</s>': 0\n<unk>: 1\n▁a:   4 \n'\"': 2\n\"\\u00e9😀\": 3\n\n: 7: 5"},
  };
  for (const auto& [name, text] : files) {
    SCOPED_TRACE(text);
    const Vocabulary vocabulary = Vocabulary::parse(text, name);
    EXPECT_EQ(vocabulary.size(), 6);
    const std::vector<std::string> tokens{"</s>", "<unk>", "\"", "é😀", "▁a", ": 7"};
    for (TokenId id = 0; id < 6; ++id) {
      EXPECT_EQ(vocabulary.token(id), tokens[static_cast<std::size_t>(id)]);
      EXPECT_EQ(vocabulary.find(tokens[static_cast<std::size_t>(id)]), id);
    }
    EXPECT_EQ(vocabulary.find("b"), -1);
  }
}

TEST(Vocabulary, IdsMayBeLeftOut) {
  const Vocabulary vocabulary = Vocabulary::parse(R"({"a": 7})", "vocab.json");
  EXPECT_EQ(vocabulary.size(), 8);
  EXPECT_EQ(vocabulary.token(3), "");
  EXPECT_THROW((void)vocabulary.token(8), Error);
  EXPECT_THROW((void)vocabulary.token(-1), Error);
}

TEST(Vocabulary, TokensBetweenAreFoundByBothEnds) {
  const Vocabulary vocabulary =
      Vocabulary::parse(R"({">>b<<": 0, ">>a<<": 1, ">><": 2, "<<": 3, "x>>a<<": 4})", "v.json");
  EXPECT_THAT(vocabulary.tokens_between(">>", "<<"), ElementsAre(">>a<<", ">>b<<"));
}

TEST(Vocabulary, FilesThatAreNoVocabularyAreCorrupt) {
  const std::pair<const char*, const char*> files[] = {
      {"vocab.json", ""},
      {"vocab.json", "{}"},
      {"vocab.json", "5"},
      {"vocab.json", "[1]"},
      {"vocab.json", R"({"a": 0)"},
      {"vocab.json", R"({"a": 0} x)"},
      {"vocab.json", R"({"a": -1})"},
      {"vocab.json", R"({"a": 0.5})"},
      {"vocab.json", R"({"a": "0"})"},
      {"vocab.json", R"({"a": null})"},
      {"vocab.json", R"({"a": {"b": 0}})"},
      {"vocab.json", R"({"a": [0]})"},
      {"vocab.json", R"({"a": 18446744073709551615})"},
      {"vocab.json", R"({"a": 0, "a": 1})"},
      {"vocab.json", R"({"a": 0, "b": 0})"},
      {"vocab.json", R"({"a": 1000000})"},
      {"vocab.json", "{\"\xFF\": 0}"},
      {"vocab.yml", "a"},
      {"vocab.yml", "a: b"},
      {"vocab.yml", "a: 0 1"},
      {"vocab.yml", "a: 99999999999999999999"},
      {"vocab.yml", "\"a: 0"},
      {"vocab.yml", "'a: 0"},
      {"vocab.yml", "\"\\q\": 0"},
      {"vocab.yml", "\"\\u12\": 0"},
      {"vocab.yml", "\xFF: 0"},
  };
  for (const auto& [name, text] : files) {
    SCOPED_TRACE(text);
    EXPECT_EQ(error_of(text, name), ErrorCode::corrupt);
  }
}

TEST(Vocabulary, DeepJsonIsRefusedAtItsFirstLevel) {
  EXPECT_EQ(error_of(std::string(1'000'000, '['), "vocab.json"), ErrorCode::corrupt);
}

TEST(Vocabulary, IdsBeyondTheLimitAreRefused) {
  Limits limits;
  limits.max_vocabulary = 4;
  EXPECT_EQ(Vocabulary::parse(R"({"a": 3})", "vocab.json", limits).size(), 4);
  EXPECT_EQ(error_of(R"({"a": 4})", "vocab.json", limits), ErrorCode::resource_exhausted);
}

}  // namespace
}  // namespace tandem
