// What every tokenizer of tests/golden promises, whatever its family.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

#include "base/utf8.h"
#include "support/test_files.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kGolden = fs::path(TANDEM_GOLDEN_DIR) / "tokenizers";

std::shared_ptr<const Tokenizer> load(const std::string& name) {
  return Tokenizer::load((kGolden / name).string());
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "no error was thrown";
  return ErrorCode::internal;
}

class Family : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ = load(GetParam());
};

TEST_P(Family, RefusesIdsOutsideTheVocabulary) {
  const TokenId size = tokenizer_->vocabulary_size();
  EXPECT_GT(size, 300);
  for (const TokenId id :
       {-1, size, std::numeric_limits<TokenId>::max(), std::numeric_limits<TokenId>::min()}) {
    EXPECT_EQ(code_of([&] {
                (void)tokenizer_->decode(std::vector<TokenId>{4, id});
              }),
              ErrorCode::invalid_argument);
    EXPECT_EQ(code_of([&] { (void)tokenizer_->token(id); }), ErrorCode::invalid_argument);
  }
}

TEST_P(Family, AnyBytesGiveIdsOfTheVocabularyAndAnyIdsGiveText) {
  std::mt19937 random(5);
  const TokenId size = tokenizer_->vocabulary_size();
  for (int round = 0; round < 60; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const TokenId id : tokenizer_->encode(bytes)) ASSERT_TRUE(id >= 0 && id < size);
    std::vector<TokenId> ids(random() % 20);
    for (TokenId& id : ids) id = static_cast<TokenId>(random() % static_cast<unsigned>(size));
    for (const bool skip : {false, true}) EXPECT_TRUE(is_valid_utf8(tokenizer_->decode(ids, skip)));
  }
}

TEST_P(Family, BytesThatAreNotUtf8AreReadAsTheReplacementCharacter) {
  EXPECT_EQ(tokenizer_->encode("a\xFFz\xE6\x97"),
            tokenizer_->encode("a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD"));
}

std::string repeated(const char* unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

TEST_P(Family, TakesALongRunOfOneCharacter) {
  for (const char* unit : {"a", " ", "\xCC\x81", "<"})
    EXPECT_GE(tokenizer_->encode(repeated(unit, 1 << 15)).size(), 1u);
}

TEST_P(Family, RefusesATextBeyondTheLimit) {
  Limits limits;
  limits.max_input_bytes = 100;
  const auto bounded = Tokenizer::load((kGolden / GetParam()).string(), limits);
  EXPECT_NO_THROW((void)bounded->encode(std::string(100, 'a')));
  EXPECT_EQ(code_of([&] { (void)bounded->encode(std::string(101, 'a')); }),
            ErrorCode::resource_exhausted);
}

std::string test_name(const testing::TestParamInfo<const char*>& family) {
  std::string name = family.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Family,
                         testing::Values("t5", "t5-no_legacy", "madlad", "pegasus", "mbart",
                                         "mbart50", "nllb", "m2m100", "bart", "whisper", "byt5",
                                         "t5-json", "nllb-json", "bart-json", "whisper-json",
                                         "bert-uncased-json", "t5gemma-json", "moonshine-json"),
                         test_name);

TEST(LanguageFamily, UnderstandsBcp47AndItsOwnSpelling) {
  struct Expectation {
    const char *directory, *own, *tag;
  };
  for (const auto& [directory, own, tag] :
       {Expectation{"mbart", "de_DE", "de"}, Expectation{"mbart50", "pt_XX", "pt-BR"},
        Expectation{"nllb", "deu_Latn", "de-AT"}, Expectation{"nllb-json", "zho_Hant", "zh-TW"},
        Expectation{"m2m100", "de", "deu"}, Expectation{"mbart50-json", "fr_XX", "fr"}}) {
    const auto tokenizer = load(directory);
    EncodeOptions by_name, by_tag;
    by_name.source_lang = own;
    by_tag.source_lang = tag;
    EXPECT_EQ(tokenizer->encode("a", by_name), tokenizer->encode("a", by_tag)) << directory;
    EXPECT_NE(tokenizer->encode("a", by_name), tokenizer->encode("a")) << directory;
  }
}

TEST(LanguageFamily, AnUnknownLanguageIsRefusedWithTheNearestCodes) {
  for (const char* directory : {"mbart", "mbart50", "nllb", "nllb-json", "m2m100", "madlad"}) {
    EncodeOptions options;
    options.source_lang = options.target_lang = "xq";
    try {
      (void)load(directory)->encode("a", options);
      ADD_FAILURE() << directory;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(e.hint(), HasSubstr("language"));
    }
  }
}

// The decoder reads the labels of a target shifted by one: it is told the language where they say
// it.
TEST(LanguageFamily, OutputsBeginAsTheirLabelsSay) {
  for (const char* directory :
       {"mbart50", "mbart50-json", "nllb", "nllb-json", "nllb-legacy", "m2m100", "mbart"}) {
    const auto tokenizer = load(directory);
    EncodeOptions german;
    german.target_lang = "de";
    german.as_target = true;
    const std::vector<TokenId> labels = tokenizer->encode("a", german);
    const LanguageMark mark = tokenizer->target_language("de-AT");
    const bool is_last =
        std::string(directory) == "mbart" || std::string(directory) == "nllb-legacy";
    EXPECT_EQ(mark.token, is_last ? labels.back() : labels.front()) << directory;
    EXPECT_EQ(mark.starts_decoder, std::string(directory) == "mbart") << directory;
    EXPECT_EQ(code_of([&] { (void)tokenizer->target_language("xq"); }),
              ErrorCode::invalid_argument);
  }
  for (const char* directory : {"t5", "bart", "madlad", "marian-multi", "whisper"})
    EXPECT_EQ(load(directory)->target_language("de").token, -1) << directory;
}

// MADLAD's files of the other kind: t5-json with two such pieces.
TEST(Madlad, TheTokenizersLibraryKnowsThePiecesToo) {
  const TemporaryFolder folder;
  for (const auto& file : fs::directory_iterator(kGolden / "t5-json"))
    fs::copy_file(file, fs::path(folder.path()) / file.path().filename());
  nlohmann::json json =
      nlohmann::json::parse(std::ifstream(kGolden / "t5-json" / "tokenizer.json"));
  const auto size = load("t5-json")->vocabulary_size();
  for (const auto& [offset, piece] : {std::pair(0, "<2de>"), std::pair(1, "<2pt>")}) {
    nlohmann::json token = json["added_tokens"][0];
    token["id"] = size + offset;
    token["content"] = piece;
    json["added_tokens"].push_back(token);
  }
  folder.write("tokenizer.json", json.dump());
  const auto tokenizer = Tokenizer::load(folder.path());
  EncodeOptions options;
  options.target_lang = "pt-BR";
  const std::vector<TokenId> ids = tokenizer->encode("Open the menu.", options);
  EXPECT_EQ(ids, tokenizer->encode("<2pt> Open the menu."));
  EXPECT_EQ(ids.front(), size + 1);
  options.target_lang = "xq";
  EXPECT_EQ(code_of([&] { (void)tokenizer->encode("a", options); }), ErrorCode::invalid_argument);
}

TEST(Madlad, ATargetLanguageIsItsPieceBeforeTheText) {
  const auto tokenizer = load("madlad");
  EncodeOptions options;
  options.target_lang = "de";
  EXPECT_EQ(tokenizer->encode("Open the menu.", options),
            tokenizer->encode("<2de> Open the menu."));
}

TEST(Whisper, ALanguageFollowsTheStartOfTheTranscript) {
  for (const char* directory : {"whisper", "whisper-json"}) {
    const auto tokenizer = load(directory);
    EncodeOptions options;
    options.target_lang = "de";
    std::vector<TokenId> expected = tokenizer->encode("a");
    const std::vector<TokenId> ids = tokenizer->encode("a", options);
    ASSERT_EQ(ids.size(), expected.size() + 1);
    EXPECT_EQ(tokenizer->token(ids[1]), "<|de|>");
    expected.insert(expected.begin() + 1, ids[1]);
    EXPECT_EQ(ids, expected);
  }
}

// Byte-pair encoding over a whole text without a space is the case with the most work.
TEST(LongText, AMegabyteWithoutASpaceIsOneWord) {
  const auto tokenizer = load("t5gemma-json");
  const std::string text = repeated("ab", 1 << 20);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
}

TEST(Choice, ATokenizerJsonIsPreferredToAModelFile) {
  const fs::path folder = fs::path(testing::TempDir()) / "tandem_families_choice";
  fs::remove_all(folder);
  fs::copy(kGolden / "t5", folder, fs::copy_options::recursive);
  fs::copy_file(kGolden / "t5-json/tokenizer.json", folder / "tokenizer.json");
  // A literal end token at the end: the class adds no second one, the file's template does.
  EXPECT_EQ(Tokenizer::load(folder.string())->encode("a</s>"), load("t5-json")->encode("a</s>"));
  EXPECT_NE(load("t5")->encode("a</s>"), load("t5-json")->encode("a</s>"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tandem
