// The bytes of the tokens of an output, put together, are its decoded text: for every golden
// tokenizer and every text of its cases.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tandem/text_constraint.h>
#include <tandem/tokenizer.h>

#include "base/utf8.h"
#include "text/pipeline/decoders.h"
#include "text/unicode.h"
#include "text/whisper.h"

namespace tandem {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(TANDEM_GOLDEN_DIR) / "tokenizers";

std::vector<std::string> directories() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGolden))
    if (fs::exists(entry.path() / "cases.jsonl")) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool cleans_up(const fs::path& directory) {
  std::ifstream file(directory / "tokenizer_config.json");
  if (!file) return false;
  return Json::parse(file).value("clean_up_tokenization_spaces", false);
}

// White space at an end that is written byte by byte is not known as such.
bool has_space_at_an_end(const std::string& text) {
  return !text.empty() && (unicode::is_white_space(first_char(text).code_point) ||
                           unicode::is_white_space(unicode::last_char(text)));
}

// The rule of the public header, written a second time: a blank in front adds nothing, and what
// follows it must lose nothing there. False: the rule does not speak of these ids, which are no
// UTF-8, hold special tokens, or have white space at an end.
bool put_together(const std::vector<TokenBytes>& tokens, const std::vector<TokenId>& ids,
                  std::string& text) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const TokenBytes& token = tokens[static_cast<std::size_t>(ids[i])];
    const bool after_blank = i == 1 && text.empty();
    if (!token.is_text || (after_blank && token.first != token.middle)) return false;
    text += i == 0 ? token.first : token.middle;
  }
  if (!is_valid_utf8(text)) return false;
  return ids.empty() || !tokens[static_cast<std::size_t>(ids.back())].is_cut_at_end;
}

// The ids of a case without its template's tokens.
std::vector<TokenId> text_ids(const Tokenizer& tokenizer, const Json& request) {
  if (request.contains("ids")) return request["ids"].get<std::vector<TokenId>>();
  EncodeOptions options;
  options.as_target = true;
  const std::vector<TokenId> around = tokenizer.encode("", options);
  std::vector<TokenId> ids = tokenizer.encode(request["text"].get<std::string>(), options);
  std::erase_if(
      ids, [&](TokenId id) { return std::find(around.begin(), around.end(), id) != around.end(); });
  return ids;
}

class TokenBytesOfGolden : public testing::TestWithParam<std::string> {};

TEST_P(TokenBytesOfGolden, PutTogetherAreTheDecodedText) {
  const fs::path directory = kGolden / GetParam();
  const bool bare = fs::exists(directory / "spm.model");
  const auto tokenizer = Tokenizer::load((bare ? directory / "spm.model" : directory).string());
  const std::vector<TokenBytes> tokens = read_token_bytes(*tokenizer);
  ASSERT_EQ(tokens.size(), static_cast<std::size_t>(tokenizer->vocabulary_size()));
  const bool cleaned = cleans_up(directory);
  std::ifstream file(directory / "cases.jsonl");
  int compared = 0, cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const Json test = Json::parse(line);
    SCOPED_TRACE(test["id"].get<std::string>());
    const std::vector<TokenId> ids = text_ids(*tokenizer, test["request"]);
    ++cases;
    std::string text;
    if (!put_together(tokens, ids, text)) continue;
    const bool by_bytes = std::any_of(ids.begin(), ids.end(), [&](TokenId id) {
      return !is_valid_utf8(tokens[static_cast<std::size_t>(id)].middle);
    });
    if (by_bytes && has_space_at_an_end(text)) continue;
    if (cleaned) text = pipeline::clean_up_spaces(text);
    if (GetParam().starts_with("whisper")) text = whisper::without_times(text);
    EXPECT_EQ(text, tokenizer->decode(ids));
    ++compared;
  }
  // Most of the others hold unknown tokens: these vocabularies are small, and the texts are not.
  EXPECT_GE(compared, 40) << "of " << cases;
}

TEST_P(TokenBytesOfGolden, SpecialTokensAddNothing) {
  const fs::path directory = kGolden / GetParam();
  const bool bare = fs::exists(directory / "spm.model");
  const auto tokenizer = Tokenizer::load((bare ? directory / "spm.model" : directory).string());
  const std::vector<TokenBytes> tokens = read_token_bytes(*tokenizer);
  std::vector<TokenId> special = {tokenizer->eos_id(), tokenizer->pad_id(), tokenizer->unk_id()};
  for (const TokenId id : tokenizer->encode("")) special.push_back(id);
  for (const TokenId id : special) {
    if (id < 0 || id >= tokenizer->vocabulary_size()) continue;
    EXPECT_FALSE(tokens[static_cast<std::size_t>(id)].is_text) << tokenizer->token(id);
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& directory) {
  std::string name = directory.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, TokenBytesOfGolden, testing::ValuesIn(directories()),
                         test_name);

}  // namespace
}  // namespace tandem
