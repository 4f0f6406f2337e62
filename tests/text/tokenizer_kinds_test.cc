// Tokenizer::load on directories of every kind, and what the loaded ones promise beyond the golden
// cases.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kGolden = fs::path(TANDEM_GOLDEN_DIR) / "tokenizers";

// A directory that lives as long as its test.
class TokenizerLoad : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("tandem_text_") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void add(const fs::path& from, const std::string& name) {
    fs::copy_file(kGolden / from, folder_ / name, fs::copy_options::overwrite_existing);
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  auto load() { return Tokenizer::load(folder_.string()); }

  Error error() {
    try {
      (void)load();
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error(ErrorCode::internal, "");
  }

  fs::path folder_;
};

TEST_F(TokenizerLoad, ANativeVocabularyEndsTextsWithItsEndPiece) {
  add("sp-unigram-nmt_nfkc/spm.model", "vocab.ende.spm");
  const auto bare = Tokenizer::load((kGolden / "sp-unigram-nmt_nfkc/spm.model").string());
  const auto native = load();
  std::vector<TokenId> ids = bare->encode("Open the menu.");
  ids.push_back(bare->eos_id());
  EXPECT_EQ(native->encode("Open the menu."), ids);
  EXPECT_EQ(native->decode(ids), "Open the menu.");
  EXPECT_EQ(native->encode(""), std::vector<TokenId>{native->eos_id()});
}

TEST_F(TokenizerLoad, TwoNativeVocabulariesServeOneSideEach) {
  add("sp-unigram-nmt_nfkc/spm.model", "srcvocab.en.spm");
  add("sp-bpe/spm.model", "trgvocab.de.spm");
  const auto source = Tokenizer::load((kGolden / "sp-unigram-nmt_nfkc/spm.model").string());
  const auto target = Tokenizer::load((kGolden / "sp-bpe/spm.model").string());
  const auto native = load();
  std::vector<TokenId> source_ids = source->encode("Das Menü");
  std::vector<TokenId> target_ids = target->encode("Das Menü");
  EXPECT_EQ(native->decode(target_ids), "Das Menü");
  EXPECT_EQ(native->token(target_ids[0]), target->token(target_ids[0]));
  source_ids.push_back(source->eos_id());
  target_ids.push_back(target->eos_id());
  EXPECT_EQ(native->encode("Das Menü"), source_ids);
  EncodeOptions as_target;
  as_target.as_target = true;
  EXPECT_EQ(native->encode("Das Menü", as_target), target_ids);
}

TEST_F(TokenizerLoad, AnOpusPackageReadsItsVocabularyFromYaml) {
  add("marian-multi/source.spm", "source.spm");
  add("marian-multi/target.spm", "target.spm");
  const auto reference = Tokenizer::load((kGolden / "marian-multi").string());
  std::string yaml;
  for (TokenId id = 0; id < reference->vocabulary_size(); ++id) {
    if (id == reference->pad_id()) continue;  // Marian has none
    std::string quoted;
    for (const char c : reference->token(id))
      quoted += c == '\'' ? std::string("''") : std::string(1, c);
    yaml += "'" + quoted + "': " + std::to_string(id) + "\n";
  }
  write("opus.spm32k-spm32k.vocab.yml", yaml);
  const auto opus = load();
  EXPECT_EQ(opus->pad_id(), -1);
  for (const char* text : {"Open the menu.", ">>deu<< Öffnen Sie 'x' \"y\".", "<pad>?", ""}) {
    if (std::string_view(text).find("<pad>") == std::string_view::npos) {
      EXPECT_EQ(opus->encode(text), reference->encode(text));
    } else {
      EXPECT_NE(opus->encode(text), reference->encode(text));  // without the token it is text
    }
  }
}

TEST_F(TokenizerLoad, AMissingFileOfAKnownFamilyIsNamed) {
  for (const char* name : {"source.spm", "target.spm", "vocab.json", "config.json"})
    add(fs::path("marian") / name, name);
  EXPECT_NO_THROW((void)load());
  for (const char* name : {"source.spm", "target.spm", "vocab.json"}) {
    fs::remove(folder_ / name);
    const Error e = error();
    EXPECT_EQ(e.code(), ErrorCode::not_found);
    EXPECT_THAT(e.message(), HasSubstr(name));
    add(fs::path("marian") / name, name);
  }
}

TEST_F(TokenizerLoad, OtherKindsAreUnsupportedAndTheirFilesNamed) {
  write("config.json", R"({"model_type": "albert"})");
  write("spiece.model", "x");
  const Error e = error();
  EXPECT_EQ(e.code(), ErrorCode::unsupported);
  EXPECT_THAT(e.message(), AllOf(HasSubstr("'spiece.model'"), HasSubstr("'albert'")));
  EXPECT_THAT(e.hint(), HasSubstr("source.spm, target.spm, vocab.json"));
}

TEST_F(TokenizerLoad, BrokenConfigurationsAreCorrupt) {
  for (const char* name : {"source.spm", "target.spm", "vocab.json"})
    add(fs::path("marian") / name, name);
  std::string deep = "{\"a\": ";
  for (int i = 0; i < 200; ++i) deep += '[';
  for (int i = 0; i < 200; ++i) deep += ']';
  deep += '}';
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{\"separate_vocabs\": 1}"),
        std::string("{\"unk_token\": 5}"), std::string("{\"unk_token\": \"<none>\"}"),
        std::string("{\"eos_token\": {\"content\": \"<none>\"}}"), deep}) {
    SCOPED_TRACE(text.substr(0, 60));
    write("tokenizer_config.json", text);
    EXPECT_EQ(error().code(), ErrorCode::corrupt);
  }
  write("tokenizer_config.json", R"({"pad_token": null, "eos_token": {"content": "</s>"}})");
  EXPECT_EQ(load()->eos_id(), 0);
}

TEST(TokenizerFile, WhatIsNotThereIsNotFound) {
  try {
    (void)Tokenizer::load((kGolden / "nothing.model").string());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
  }
}

class MarianLanguages : public testing::Test {
 protected:
  static EncodeOptions to(const std::string& language) {
    EncodeOptions options;
    options.target_lang = language;
    return options;
  }
  std::shared_ptr<const Tokenizer> many_ = Tokenizer::load((kGolden / "marian-multi").string());
  std::shared_ptr<const Tokenizer> one_ = Tokenizer::load((kGolden / "marian").string());
};

TEST_F(MarianLanguages, ATargetLanguageIsThePrefixWrittenOut) {
  const std::vector<TokenId> written = many_->encode(">>deu<< Open the menu.");
  EXPECT_EQ(many_->encode("Open the menu.", to("deu")), written);
  EXPECT_EQ(many_->encode("Open the menu.", to(">>deu<<")), written);
  EXPECT_EQ(many_->encode("Open the menu.", to("de-AT")), written);
}

TEST_F(MarianLanguages, AnUnknownLanguageIsAnErrorWithTheNearestOnes) {
  for (const char* language : {"dex", ">>dex<<", "deu<< >>nds", "</s>", ">>"}) {
    SCOPED_TRACE(language);
    try {
      (void)many_->encode("Open the menu.", to(language));
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(e.hint(), HasSubstr("deu"));
    }
  }
}

TEST_F(MarianLanguages, AModelForOnePairTakesItsOwnLanguageOnly) {
  EXPECT_EQ(one_->encode("Open", to("de")), one_->encode("Open"));
  EXPECT_EQ(one_->encode("Open", to("deu-Latn")), one_->encode("Open"));
  EXPECT_THROW((void)one_->encode("Open", to("fr")), Error);
}

TEST_F(MarianLanguages, AfterARequestedLanguageTheTextIsText) {
  const std::vector<TokenId> ids = many_->encode(">>nds<< Open", to("deu"));
  EXPECT_EQ(ids[0], many_->encode(">>deu<<")[0]);
  EXPECT_NE(ids[1], many_->encode(">>nds<<")[0]);
}

}  // namespace
}  // namespace tandem
