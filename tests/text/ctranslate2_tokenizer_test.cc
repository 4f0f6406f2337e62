// Texts and CTranslate2's vocabularies, with every way to cut a text.
#include "text/families/ctranslate2_tokenizer.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;

// A directory with a vocabulary; nothing here reads the model.
struct Directory {
  Directory() {
    folder.write("model.bin", "");
    folder.write("source_vocabulary.txt", "<blank>\n<s>\n</s>\na\nb\n");
    folder.write("target_vocabulary.json", R"(["</s>", "x", "<unk>", "y"])");
  }
  std::shared_ptr<const Tokenizer> load() const { return Tokenizer::load(folder.path()); }
  TemporaryFolder folder;
};

const EncodeOptions kTarget{"", "", /*as_target=*/true};

TEST(CTranslate2Tokenizer, WithoutAnythingElseATextIsItsTokensAndSpaces) {
  const Directory directory;
  const auto tokenizer = directory.load();
  EXPECT_THAT(tokenizer->encode("b a  zz"), ElementsAre(4, 3, 5));  // <unk> ends the list
  EXPECT_THAT(tokenizer->encode(""), ElementsAre());
  EXPECT_THAT(tokenizer->encode("y x", kTarget), ElementsAre(3, 1, 0));
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{1, 2, 3, 0}), "x <unk> y");
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{1, 0}, false), "x </s>");
  EXPECT_EQ(tokenizer->vocabulary_size(), 6);
  EXPECT_EQ(tokenizer->eos_id(), 0);
  EXPECT_EQ(tokenizer->unk_id(), 2);
}

TEST(CTranslate2Tokenizer, EachSideNamesItsTokens) {
  const auto tokenizer = Directory().load();
  EXPECT_EQ(tokenizer->token(3), "y");
  EXPECT_EQ(tokenizer->source_token(3), "a");
  EXPECT_EQ(tokenizer->token(5), "<unk>") << "only the source has so many";
  expect_error([&] { (void)tokenizer->token(6); }, ErrorCode::invalid_argument, "6");
  expect_error([&] { (void)tokenizer->decode(std::vector<TokenId>{4}); },
               ErrorCode::invalid_argument, "4");
}

TEST(CTranslate2Tokenizer, TheConfigurationAddsMarksToASource) {
  const Directory directory;
  directory.folder.write("config.json", R"({"add_source_bos": true, "add_source_eos": true})");
  EXPECT_THAT(directory.load()->encode("a"), ElementsAre(1, 3, 2));
  EXPECT_THAT(directory.load()->encode("a </s>"), ElementsAre(1, 3, 2)) << "once";
  EXPECT_THAT(directory.load()->encode("x", kTarget), ElementsAre(1, 0));
}

TEST(CTranslate2Tokenizer, MarksOfTheModelItselfOverruleTheConfiguration) {
  const Directory directory;
  const ModelFolder folder(directory.folder.path(), {});
  const auto tokenizer = load_ctranslate2_tokenizer(folder, {"b", "<s>", "</s>", false, true});
  EXPECT_THAT(tokenizer->encode("zz"), ElementsAre(4, 2));
}

TEST(CTranslate2Tokenizer, SentencePieceCutsAndTheVocabularyNumbers) {
  const std::string golden = std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/sp-unigram-nmt_nfkc";
  const Directory directory;
  std::filesystem::copy_file(golden + "/spm.model", directory.folder.path() + "/spm.model");
  const auto pieces = Tokenizer::load(golden + "/spm.model");
  const std::string text = "Open the menu.";
  std::string vocabulary = "</s>\n<s>\n";
  std::vector<TokenId> expected;
  for (const TokenId id : pieces->encode(text)) {
    expected.push_back(static_cast<TokenId>(2 + expected.size()));
    vocabulary += pieces->token(id) + "\n";
  }
  directory.folder.write("shared_vocabulary.txt", vocabulary);
  const auto tokenizer = directory.load();
  EXPECT_EQ(tokenizer->encode(text), expected);
  expected.push_back(0);
  EXPECT_EQ(tokenizer->encode(text, kTarget), expected);
  EXPECT_EQ(tokenizer->decode(expected), text);
}

TEST(CTranslate2Tokenizer, ATokenizerOfAnotherKindCutsAndTheVocabularyNumbers) {
  const std::string golden = std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/bart-json";
  const Directory directory;
  std::filesystem::copy_file(golden + "/tokenizer.json",
                             directory.folder.path() + "/tokenizer.json");
  const auto inner = Tokenizer::load(golden);
  std::string vocabulary = "<blank>\n";  // every id one higher
  for (TokenId id = 0; id < inner->vocabulary_size(); ++id) vocabulary += inner->token(id) + "\n";
  directory.folder.write("shared_vocabulary.txt", vocabulary);
  const auto tokenizer = directory.load();
  const std::string text = "Press the <OK> button, caf\u00e9!";
  std::vector<TokenId> expected = inner->encode(text);
  const std::string decoded = inner->decode(expected);
  for (TokenId& id : expected) ++id;
  EXPECT_EQ(tokenizer->encode(text), expected);
  EXPECT_EQ(tokenizer->decode(expected), decoded);
}

TEST(CTranslate2Tokenizer, VocabulariesThatAreNoneAreRefused) {
  const Directory directory;
  directory.folder.write("target_vocabulary.json", R"(["x", 5])");
  expect_error([&] { directory.load(); }, ErrorCode::corrupt, "list of strings");
  directory.folder.write("target_vocabulary.json", R"(["x"])");
  expect_error([&] { directory.load(); }, ErrorCode::corrupt, "no end token");
}

}  // namespace
}  // namespace tandem
