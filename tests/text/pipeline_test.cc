// tokenizer.json beyond the golden cases: what its components promise one by one, and what happens
// when the file is not as it should be.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

#include "text/pipeline/decoders.h"
#include "text/pipeline/models.h"
#include "text/pipeline/normalizers.h"
#include "text/pipeline/post_processor.h"
#include "text/pipeline/pre_tokenizers.h"

namespace tandem::pipeline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::string normalized(const Json& json, std::string text) {
  make_normalizer(json, Limits{})->apply(text);
  return text;
}

std::vector<std::string> words(const Json& json, const std::string& text) {
  std::vector<Word> made = {{text, true}};
  make_pre_tokenizer(json)->apply(made);
  std::vector<std::string> texts;
  for (const Word& word : made) texts.push_back(word.text);
  return texts;
}

std::string decoded(const Json& json, std::vector<std::string> tokens) {
  make_decoder(json)->apply(tokens);
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

template <typename Make>
Error error_of(Make make) {
  try {
    make();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::internal, "");
}

// The answers of this file are those of the tokenizers library 0.23.3.

TEST(PipelineNormalizer, EachKindDoesWhatTheLibraryDoes) {
  EXPECT_EQ(normalized({{"type", "NFKC"}}, "\xEF\xAC\x81"), "fi");
  EXPECT_EQ(normalized({{"type", "StripAccents"}}, "e\xCC\x81"), "e");
  EXPECT_EQ(normalized({{"type", "Lowercase"}}, "A\xC3\x89"), "a\xC3\xA9");
  EXPECT_EQ(normalized({{"type", "Prepend"}, {"prepend", "_"}}, ""), "");
  EXPECT_EQ(normalized({{"type", "Prepend"}, {"prepend", "_"}}, "a"), "_a");
  EXPECT_EQ(normalized({{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}, " a "),
            "a ");
  EXPECT_EQ(normalized({{"type", "Nmt"}}, "a\x01\xE2\x80\x8B\tb"), "a  b");
  EXPECT_EQ(normalized({{"type", "BertNormalizer"}}, "\xC3\x89t\xC3\xA9\tA\xE4\xB8\xAD"),
            "ete a \xE4\xB8\xAD ");
}

TEST(PipelinePreTokenizer, EachKindDoesWhatTheLibraryDoes) {
  EXPECT_THAT(words({{"type", "Whitespace"}}, "a_b c!? d"), ElementsAre("a_b", "c", "!?", "d"));
  EXPECT_THAT(words({{"type", "WhitespaceSplit"}}, " a b! "), ElementsAre("a", "b!"));
  EXPECT_THAT(words({{"type", "BertPreTokenizer"}}, "a-b c."),
              ElementsAre("a", "-", "b", "c", "."));
  EXPECT_THAT(words({{"type", "Digits"}, {"individual_digits", true}}, "a12b"),
              ElementsAre("a", "1", "2", "b"));
  EXPECT_THAT(words({{"type", "Digits"}, {"individual_digits", false}}, "a12b"),
              ElementsAre("a", "12", "b"));
  EXPECT_THAT(words({{"type", "Punctuation"}, {"behavior", "MergedWithPrevious"}}, "a!!b"),
              ElementsAre("a!", "!", "b"));
  EXPECT_THAT(words({{"type", "Split"},
                     {"pattern", {{"String", " "}}},
                     {"behavior", "MergedWithNext"},
                     {"invert", false}},
                    "a  b"),
              ElementsAre("a", " ", " b"));
  EXPECT_THAT(
      words({{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "always"}}, "a  b"),
      ElementsAre("_a", "_", "_b"));
}

TEST(PipelinePreTokenizer, MetaspaceFirstPrependsOnlyWhereTheWholeTextBegins) {
  const auto metaspace = make_pre_tokenizer(
      {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}});
  std::vector<Word> made = {{"a", true}, {"b", false}};
  metaspace->apply(made);
  EXPECT_EQ(made[0].text, "_a");
  EXPECT_EQ(made[1].text, "b");
}

TEST(PipelineDecoder, EachKindDoesWhatTheLibraryDoes) {
  EXPECT_EQ(decoded({{"type", "ByteFallback"}}, {"<0xC3>", "<0xA9>", "x", "<0xE6>", "<0x97>"}),
            "\xC3\xA9x\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(decoded({{"type", "Metaspace"}, {"replacement", "\xE2\x96\x81"}}, {"\xE2\x96\x81"
                                                                               "a",
                                                                               "\xE2\x96\x81"
                                                                               "b"}),
            "a b");
  EXPECT_EQ(
      decoded({{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}, {"a", "##b", "c", "."}),
      "ab c.");
  EXPECT_EQ(decoded({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}, {"  a"}),
            " a");
  EXPECT_EQ(decoded({{"type", "BPEDecoder"}, {"suffix", "</w>"}}, {"a</w>", "b</w>"}), "a b");
  EXPECT_EQ(decoded({{"type", "ByteLevel"}}, {"\xC4\xA0"
                                              "a",
                                              "\xC3\xA6", "\xE2\x96\x81"}),
            " a\xEF\xBF\xBD\xE2\x96\x81");
}

TEST(PipelineModel, UnknownCharactersAreBytesThenTheUnknownTokenThenNothing) {
  Json json = {{"type", "BPE"}, {"vocab", {{"a", 0}, {"<unk>", 1}}}, {"merges", Json::array()}};
  const auto ids = [&] {
    std::vector<TokenId> made;
    make_model(json, Limits{})->tokenize({{"xya", true}}, made);
    return made;
  };
  EXPECT_THAT(ids(), ElementsAre(0));
  json["unk_token"] = "<unk>";
  EXPECT_THAT(ids(), ElementsAre(1, 1, 0));
  json["fuse_unk"] = true;
  EXPECT_THAT(ids(), ElementsAre(1, 0));
  json["byte_fallback"] = true;
  json["vocab"]["<0x78>"] = 2;
  json["vocab"]["<0x79>"] = 3;
  EXPECT_THAT(ids(), ElementsAre(2, 3, 0));
}

TEST(PipelineModel, AWordWithAPartThatIsNoPieceIsUnknownAsAWhole) {
  const auto model = make_model({{"type", "WordPiece"},
                                 {"unk_token", "[UNK]"},
                                 {"max_input_chars_per_word", 5},
                                 {"vocab", {{"[UNK]", 0}, {"ab", 1}, {"##c", 2}, {"a", 3}}}},
                                Limits{});
  std::vector<TokenId> ids;
  model->tokenize({{"abc", true}, {"abx", false}, {"abcccc", false}, {"a", false}}, ids);
  EXPECT_THAT(ids, ElementsAre(1, 2, 0, 0, 3));
}

TEST(PipelinePostProcessor, ASequenceNestsItsSteps) {
  const Json bert = {{"type", "BertProcessing"}, {"cls", {"[CLS]", 1}}, {"sep", {"[SEP]", 2}}};
  const Json outer = {{"type", "RobertaProcessing"}, {"cls", {"<s>", 3}}, {"sep", {"</s>", 4}}};
  const Surroundings around =
      read_post_processor({{"type", "Sequence"}, {"processors", {bert, outer}}}, 5);
  EXPECT_THAT(around.before, ElementsAre(3, 1));
  EXPECT_THAT(around.after, ElementsAre(2, 4));
  EXPECT_EQ(error_of([&] { read_post_processor(outer, 4); }).code(), ErrorCode::corrupt);
}

TEST(PipelineComponent, AnUnknownKindIsUnsupportedByName) {
  const Json strange = {{"type", "Quantum"}};
  for (const Error& error :
       {error_of([&] { make_normalizer(strange, Limits{}); }),
        error_of([&] { make_pre_tokenizer(strange); }),
        error_of([&] { make_model(strange, Limits{}); }), error_of([&] { make_decoder(strange); }),
        error_of([&] { read_post_processor(strange, 1); })}) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_THAT(error.message(), HasSubstr("Quantum"));
  }
}

// A directory with one file, tokenizer.json, that lives as long as its test.
class BrokenTokenizerJson : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("tandem_pipeline_") + test->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // True if it loads, and then it can be used; false if it is refused with a code for files.
  bool loads(const std::string& content) {
    std::ofstream(folder_ / "tokenizer.json", std::ios::binary) << content;
    try {
      const auto tokenizer = Tokenizer::load(folder_.string());
      std::vector<TokenId> ids = tokenizer->encode("The cat\xCC\x81 \xE4\xB8\xAD <pad></s> 12!");
      EXPECT_FALSE(tokenizer->decode(ids, false).size() > 1'000'000);
      return true;
    } catch (const Error& e) {
      EXPECT_NE(e.code(), ErrorCode::internal) << e.what();
      EXPECT_NE(e.code(), ErrorCode::invalid_argument) << e.what();
      return false;
    }
  }

  fs::path folder_;
};

// One small file for each model, with every kind of component among them.
std::vector<std::string> small_files() {
  const Json added = Json::array({{{"id", 0},
                                   {"content", "<pad>"},
                                   {"special", true},
                                   {"normalized", false},
                                   {"lstrip", true}},
                                  {{"id", 9},
                                   {"content", "cat"},
                                   {"single_word", true},
                                   {"normalized", true},
                                   {"special", false}}});
  const Json bpe = {
      {"added_tokens", added},
      {"normalizer",
       {{"type", "Sequence"},
        {"normalizers",
         {{{"type", "Prepend"}, {"prepend", "_"}},
          {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "_"}},
          {{"type", "NFC"}}}}}},
      {"pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "Isolated"}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "u"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", {{"a", 1}, {"t", 2}, {"at", 3}, {"c", 4}, {"cat", 5}, {"u", 6}}},
        {"merges", {"a t", "c at"}}}},
      {"post_processor", {{"type", "BertProcessing"}, {"cls", {"a", 1}}, {"sep", {"t", 2}}}},
      {"decoder",
       {{"type", "Sequence"}, {"decoders", {{{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}}}};
  Json unigram = bpe;
  unigram["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "BAAAAAAAAAAA"}};
  unigram["pre_tokenizer"] = {{"type", "Metaspace"}, {"prepend_scheme", "first"}};
  unigram["model"] = {{"type", "Unigram"},
                      {"unk_id", 0},
                      {"vocab", Json::parse(R"([["<unk>",0],["a",-1.5],["t",-2],["cat",-3]])")}};
  unigram["decoder"] = {{"type", "Metaspace"}, {"prepend_scheme", "first"}};
  Json pieces = bpe;
  pieces["normalizer"] = {{"type", "BertNormalizer"}, {"lowercase", true}};
  pieces["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  pieces["model"] = {{"type", "WordPiece"},
                     {"unk_token", "[UNK]"},
                     {"vocab", {{"[UNK]", 0}, {"the", 1}, {"c", 2}, {"##at", 3}}}};
  pieces["decoder"] = {{"type", "WordPiece"}, {"cleanup", true}};
  return {bpe.dump(), unigram.dump(), pieces.dump()};
}

TEST_F(BrokenTokenizerJson, FlippedBitsAreRefusedOrMakeAUsableTokenizer) {
  std::mt19937 random(4);
  int refused = 0, tried = 0;
  for (const std::string& file : small_files()) {
    ASSERT_TRUE(loads(file));
    for (int i = 0; i < 1000; ++i, ++tried) {
      std::string broken = file;
      broken[random() % broken.size()] ^= static_cast<char>(1 << random() % 8);
      refused += loads(broken) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, tried / 4);  // or the flips would not have reached the parser
  EXPECT_LT(refused, tried);
}

TEST_F(BrokenTokenizerJson, EveryTruncationIsRefused) {
  for (const std::string& file : small_files())
    for (std::size_t length = 0; length < file.size(); length += 11)
      EXPECT_FALSE(loads(file.substr(0, length))) << length;
}

TEST_F(BrokenTokenizerJson, DepthIsBounded) {
  std::string deep = R"({"model":null,"normalizer":)";
  for (int i = 0; i < 100'000; ++i) deep += R"({"type":"Sequence","normalizers":[)";
  EXPECT_FALSE(loads(deep));
}

TEST_F(BrokenTokenizerJson, AFewEntriesCannotClaimTheMemoryOfMillions) {
  EXPECT_FALSE(loads(R"({"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":16000000}}})"));
  EXPECT_FALSE(loads(R"({"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}},)"
                     R"("added_tokens":[{"id":4000000000,"content":"b"}]})"));
}

}  // namespace
}  // namespace tandem::pipeline
