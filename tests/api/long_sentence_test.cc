// Laws of the parts of a sentence that is too long for its model, and that translate loses none of
// it.
#include "api/long_sentence.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/engine.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

struct Family {
  const char* name;         // below tests/golden/tokenizers
  std::size_t front, back;  // special tokens around a text
};

std::string long_text(const std::string& sentence, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += (i == 0 ? "" : " ") + sentence;
  return text;
}

class LongSentence : public testing::TestWithParam<Family> {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ =
      Tokenizer::load(std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/" + GetParam().name);
};

TEST_P(LongSentence, PartsFitHaveTheirSpecialTokensAndAreTheWholeSentence) {
  const Tokens ids = tokenizer_->encode(long_text("the small house, the page and the table", 40));
  const std::size_t front = GetParam().front, back = GetParam().back;
  for (const std::size_t limit : {std::size_t{12}, std::size_t{33}, ids.size() - 1}) {
    Tokens joined(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(front));
    const auto parts = cut_sentence(*tokenizer_, {}, ids, limit);
    EXPECT_GT(parts.size(), 1U);
    for (const Tokens& part : parts) {
      EXPECT_LE(part.size(), limit);
      ASSERT_GT(part.size(), front + back);
      EXPECT_TRUE(
          std::equal(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(front), part.begin()));
      EXPECT_TRUE(std::equal(ids.rbegin(), ids.rbegin() + static_cast<std::ptrdiff_t>(back),
                             part.rbegin()));
      joined.insert(joined.end(), part.begin() + static_cast<std::ptrdiff_t>(front),
                    part.end() - static_cast<std::ptrdiff_t>(back));
    }
    joined.insert(joined.end(), ids.end() - static_cast<std::ptrdiff_t>(back), ids.end());
    EXPECT_EQ(joined, ids) << "limit " << limit;
  }
}

// Truncation of transformers: the longest beginning of the text's tokens that fits, in the
// template.
TEST_P(LongSentence, ATruncatedOneIsItsBeginningInTheSameTokens) {
  const Tokens ids = tokenizer_->encode(long_text("the small house, the page and the table", 40));
  const std::size_t front = GetParam().front, back = GetParam().back;
  for (const std::size_t limit : {front + back + 1, std::size_t{12}, ids.size() - 1, ids.size()}) {
    Tokens expected;
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (i < limit - back || i >= ids.size() - back) expected.push_back(ids[i]);
    EXPECT_EQ(truncate_sentence(*tokenizer_, {}, ids, limit), expected);
    EXPECT_EQ(expected.size(), limit);
  }
  expect_error([&] { truncate_sentence(*tokenizer_, {}, ids, front + back); },
               ErrorCode::invalid_argument, "stand around every text");
}

// Ids say their language themselves, whatever the options say.
TEST(LongSentence, TruncationKeepsTheLanguageThatIdsHave) {
  for (const char* name : {"mbart", "nllb", "m2m100"}) {
    const auto tokenizer = Tokenizer::load(std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/" + name);
    const EncodeOptions german{"de", "", false};
    const Tokens ids = tokenizer->encode(long_text("the page and the table", 20), german);
    const Tokens short_ids = tokenizer->encode("", german);
    const Tokens truncated = truncate_sentence(*tokenizer, {}, ids, 16);
    EXPECT_EQ(truncated.size(), 16U);
    for (const TokenId id : short_ids)
      EXPECT_EQ(std::count(truncated.begin(), truncated.end(), id), 1) << name;
  }
}

// Every byte is a token, so that the beginning of a text can be written down.
TEST(LongSentence, ATruncatedTextOfBytesIsTheShorterText) {
  const auto tokenizer = Tokenizer::load(std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/byt5");
  EXPECT_EQ(truncate_sentence(*tokenizer, {}, tokenizer->encode("One two three"), 8),
            tokenizer->encode("One two"));
}

INSTANTIATE_TEST_SUITE_P(Families, LongSentence,
                         testing::Values(Family{"marian", 0, 1}, Family{"t5", 0, 1},
                                         Family{"byt5", 0, 1}, Family{"bart", 1, 1},
                                         Family{"nllb", 1, 1}, Family{"mbart", 0, 2},
                                         Family{"m2m100", 1, 1}),
                         [](const auto& family) { return std::string(family.param.name); });

std::string text_of(const Tokenizer& tokenizer, const Tokens& part) {
  return tokenizer.decode(part);
}

TEST(LongSentence, APartEndsBehindASentenceElseAClauseElseAWord) {
  const auto tokenizer = Tokenizer::load(std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/byt5");
  const auto first_part = [&](const std::string& text, std::size_t limit) {
    return text_of(*tokenizer,
                   cut_sentence(*tokenizer, {}, tokenizer->encode(text), limit).front());
  };
  EXPECT_EQ(first_part("One, two. Three, four five", 18), "One, two.");
  EXPECT_EQ(first_part("One two three, four five", 21), "One two three,");
  EXPECT_EQ(first_part("One two three four five", 21), "One two three four");
  EXPECT_EQ(first_part("Onetwothreefourfive", 11), "Onetwothre");
}

TEST(LongSentence, AMarkOfTheLanguageStandsBeforeEveryPart) {
  const auto tokenizer =
      Tokenizer::load(std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/marian-multi");
  const Tokens ids = tokenizer->encode(">>deu<< " + long_text("the page and the table", 20));
  ASSERT_TRUE(tokenizer->token(ids.front()).starts_with(">>"));
  for (const Tokens& part : cut_sentence(*tokenizer, {}, ids, 16))
    EXPECT_EQ(part.front(), ids.front());
}

TEST(LongSentence, ALimitThatTheSpecialTokensReachIsRefused) {
  const auto tokenizer = Tokenizer::load(std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/bart");
  const Tokens ids = tokenizer->encode("the page and the table");
  expect_error([&] { cut_sentence(*tokenizer, {}, ids, 2); }, ErrorCode::invalid_argument,
               "2 tokens");
}

// A sentence of 5,000 words, for a model of 256 positions whose outputs may have 199 tokens.
TEST(LongSentence, TranslateGivesEveryPartOfFiveThousandWordsInOrder) {
  EngineOptions options;
  options.device = Device::cpu();
  const Engine engine =
      Engine::load(std::string(TANDEM_SOURCE_DIR) + "/examples/models/correct-en", options);
  const std::string text =
      long_text("the sum of the values in a column, and a border of the table", 385);
  const Tokens ids = engine.tokenizer().encode(text);
  std::vector<Request> parts;
  for (Tokens& part : cut_sentence(engine.tokenizer(), {}, ids, 133))
    parts.emplace_back(std::move(part));
  std::string expected;
  for (const Output& output : engine.generate(parts))
    expected += (expected.empty() ? "" : " ") + output.text();
  const std::vector<std::string> documents{text};
  const Translation translation = engine.translate(documents).front();
  ASSERT_FALSE(translation.error) << translation.error->what();
  EXPECT_EQ(translation.sentences, parts.size());
  EXPECT_EQ(translation.text, expected);
  // generate is given tokens and cuts nothing.
  expect_error([&] { engine.generate(Request(text)); }, ErrorCode::invalid_argument, "at most 256");
}

class Truncation : public testing::Test {
 protected:
  static Engine load() {
    EngineOptions options;
    options.device = Device::cpu();
    options.threads = 1;
    return Engine::load(std::string(TANDEM_SOURCE_DIR) + "/examples/models/correct-en", options);
  }
  static Request truncated(Input input) {
    Request request;
    request.input = std::move(input);
    request.truncate_source = true;
    return request;
  }

  const Engine engine_ = load();
  const std::string long_ = long_text("the sum of the values in a column", 60);
  const Tokens ids_ = engine_.tokenizer().encode(long_);
  static constexpr std::size_t kLimit = 256;  // positions of the model
};

TEST_F(Truncation, AnswersForWhatIsLeftAndSaysHowMuchIsGone) {
  ASSERT_GT(ids_.size(), kLimit);
  const Tokens left = truncate_sentence(engine_.tokenizer(), {}, ids_, kLimit);
  const Output expected = engine_.generate(Request(left));
  EXPECT_EQ(expected.truncated_tokens, 0U);
  for (const Input& input : {Input(long_), Input(ids_)}) {
    const Output output = engine_.generate(truncated(input));
    EXPECT_EQ(output.truncated_tokens, ids_.size() - kLimit);
    EXPECT_EQ(output.hypotheses.at(0).ids, expected.hypotheses.at(0).ids);
    EXPECT_EQ(output.hypotheses.at(0).score, expected.hypotheses.at(0).score);
  }
}

TEST_F(Truncation, WhatFitsIsNotTouched) {
  const std::string text = "You cannot deletes a sheet.";
  const Output output = engine_.generate(truncated(text));
  EXPECT_EQ(output.truncated_tokens, 0U);
  EXPECT_EQ(output.hypotheses.at(0).score, engine_.generate(Request(text)).hypotheses.at(0).score);
}

TEST_F(Truncation, IsCountedOverTheSourcesOfAMixture) {
  for (const MixtureMode mode : {MixtureMode::token, MixtureMode::sequence_fast}) {
    Request request;
    Mixture mixture;
    mixture.sources = {long_, "the sum of the values", ids_};
    mixture.mode = mode;
    request.strategy = mixture;
    request.generation.max_new_tokens = 4;
    expect_error([&] { engine_.generate(request); }, ErrorCode::invalid_argument, "at most 256");
    request.truncate_source = true;
    EXPECT_EQ(engine_.generate(request).truncated_tokens, 2 * (ids_.size() - kLimit));
  }
}

TEST_F(Truncation, ADocumentsSentencesAreCutInPlaceOfBeingTranslatedInParts) {
  TranslateOptions options;
  options.pattern.truncate_source = true;
  const std::vector<std::string> documents{long_ + ".\n" + long_ + ".", "A page."};
  const auto translations = engine_.translate(documents, options);
  EXPECT_EQ(translations[0].sentences, 2U);
  EXPECT_EQ(translations[0].truncated_tokens,
            2 * (engine_.tokenizer().encode(long_ + ".").size() - kLimit));
  EXPECT_EQ(translations[1].truncated_tokens, 0U);
  EXPECT_EQ(engine_.translate(documents).at(0).truncated_tokens, 0U);
}

}  // namespace
}  // namespace tandem
