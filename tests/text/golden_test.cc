// Every public case of tests/golden/tokenizers: what the original libraries answer. One test for
// each directory. Where engines disagree (`differ`), any of their answers is accepted.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tandem/tokenizer.h>

#include "text/sentencepiece.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

const std::filesystem::path kGolden = std::filesystem::path(TANDEM_GOLDEN_DIR) / "tokenizers";

std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(Json::parse(line));
  return lines;
}

// The directories that hold `file`, sorted.
std::vector<std::string> directories_with(const char* file) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden))
    if (std::filesystem::exists(entry.path() / file))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Whether another engine's answer, as the case records it, has `value` at `key`. Long id lists are
// recorded as a digest only, and do not count here.
bool another_engine_says(const Json& test, const char* key, const Json& value) {
  if (!test.contains("differ")) return false;
  for (const Json& other : test["differ"])
    if (other.contains(key) && other[key] == value) return true;
  return false;
}

void check_encode(const Tokenizer& tokenizer, const Json& test) {
  const Json& request = test["request"];
  const Json& expected = test["expected"];
  EncodeOptions options;
  options.source_lang = request.value("source_lang", "");
  options.target_lang = request.value("target_lang", "");
  options.as_target = request.value("as_target", false);
  const std::vector<TokenId> ids = tokenizer.encode(request["text"].get<std::string>(), options);
  if (another_engine_says(test, "ids", ids)) return;
  EXPECT_EQ(ids, expected["ids"].get<std::vector<TokenId>>());
  if (!expected.contains("tokens")) return;
  std::vector<std::string> tokens;
  for (const TokenId id : ids) tokens.push_back(tokenizer.token(id));
  EXPECT_EQ(tokens, expected["tokens"].get<std::vector<std::string>>());
}

void check_decode(const Tokenizer& tokenizer, const Json& test) {
  const Json& request = test["request"];
  const std::string text = tokenizer.decode(request["ids"].get<std::vector<TokenId>>(),
                                            request.value("skip_special_tokens", true));
  if (another_engine_says(test, "text", text)) return;
  EXPECT_EQ(text, test["expected"]["text"].get<std::string>());
}

// Normal form and surfaces, which only the raw SentencePiece cases record.
void check_inner_steps(const SentencePiece& model, const Json& test) {
  const std::string text = test["request"]["text"];
  const Json& expected = test["expected"];
  const SentencePiece::Encoding encoding = model.encode_pieces(text);
  if (another_engine_says(test, "ids", model.encode(text))) return;
  const char* key = expected.contains("pieces") ? "pieces" : "tokens";
  if (!expected.contains(key)) return;  // of long texts only the ids are recorded
  EXPECT_EQ(encoding.normalized, expected.value("normalized", text));
  std::vector<std::string> pieces;
  for (const Segment& piece : encoding.pieces) pieces.emplace_back(model.surface(encoding, piece));
  EXPECT_EQ(pieces, expected[key].get<std::vector<std::string>>());
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, EveryCaseIsAnsweredAsTheOriginalLibraryDoes) {
  const std::filesystem::path directory = kGolden / GetParam();
  const bool bare = std::filesystem::exists(directory / "spm.model");
  const std::string path = (bare ? directory / "spm.model" : directory).string();
  const auto tokenizer = Tokenizer::load(path);
  const auto model = bare ? SentencePiece::load(path, Limits{}) : nullptr;
  const std::vector<Json> cases = read_lines(directory / "cases.jsonl");
  ASSERT_GT(cases.size(), 300u);
  for (const Json& test : cases) {
    SCOPED_TRACE(test["id"].get<std::string>());
    if (test["request"].contains("text")) {
      check_encode(*tokenizer, test);
      if (model) check_inner_steps(*model, test);
    } else {
      check_decode(*tokenizer, test);
    }
  }
}

class GoldenBytes : public testing::TestWithParam<std::string> {};

TEST_P(GoldenBytes, BytesThatAreNotUtf8AreReadAsTheOriginalLibraryReadsThem) {
  const std::filesystem::path directory = kGolden / GetParam();
  const auto tokenizer = Tokenizer::load((directory / "spm.model").string());
  const std::vector<Json> cases = read_lines(directory / "invalid_utf8.jsonl");
  ASSERT_GT(cases.size(), 15u);
  for (const Json& test : cases) {
    const std::string hex = test["hex"];
    SCOPED_TRACE(hex);
    std::string text;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    EXPECT_EQ(tokenizer->encode(text), test["expected"]["ids"].get<std::vector<TokenId>>());
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& directory) {
  std::string name = directory.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Golden, testing::ValuesIn(directories_with("cases.jsonl")),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Tokenizers, GoldenBytes,
                         testing::ValuesIn(directories_with("invalid_utf8.jsonl")), test_name);

}  // namespace
}  // namespace tandem
