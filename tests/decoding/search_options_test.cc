// Resolution of the generation keys: where a value comes from, and what is refused. Lengths,
// strategies and sampling have tests of their own.
#include "decoding/search_options.h"

#include <cmath>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/option_setting.h"
#include "support/word_tokenizer.h"

namespace tandem::testing {
namespace {

TEST(SearchOptions, TheRequestOverrulesTheModelAndTheModelTheDefault) {
  Setting setting;
  setting.defaults.num_beams = 4;
  setting.defaults.length_penalty = 2.0;
  setting.keys().length_penalty = 0.5;
  const SearchOptions options = setting.resolve();
  EXPECT_EQ(options.num_beams, 4);
  EXPECT_EQ(options.length_penalty, 0.5);
  EXPECT_EQ(options.repetition_penalty, 1.0);
  EXPECT_EQ(options.start_token, 99);
  EXPECT_TRUE(std::holds_alternative<Beam>(options.strategy));
}

TEST(SearchOptions, TimeStopsAndBiasesComeFromTheRequestOrTheModel) {
  const WordTokenizer tokenizer({"a"});
  Setting setting;
  setting.context.tokenizer = &tokenizer;
  setting.defaults.max_time = 2.0;
  setting.defaults.stop_strings = {"x"};
  setting.keys().stop_strings = {"y"};
  setting.keys().sequence_bias = {{{5, 6}, -1.0}};
  const SearchOptions options = setting.resolve();
  EXPECT_EQ(options.max_time, 2.0);
  EXPECT_EQ(options.stop_strings, std::vector<std::string>{"y"});
  EXPECT_EQ(options.sequence_bias.at(0).second, -1.0);
  EXPECT_EQ(options.tokenizer, &tokenizer);
}

TEST(SearchOptions, ABannedEndTokenAloneIsLeftOut) {
  Setting setting;
  setting.keys().bad_words_ids = {{0}, {5}, {6, 0}};
  EXPECT_THAT(setting.resolve().bad_words,
              ::testing::ElementsAre(std::vector<TokenId>{5}, std::vector<TokenId>{6, 0}));
}

TEST(SearchOptions, RefuseNamingTheKeyAndTheRange) {
  expect_refused({
      out_of_range(
          "negative_diversity", [](Setting& s) { s.keys().diversity_penalty = -0.5; },
          "diversity_penalty is -0.5", "at least 0"),
      out_of_range(
          "infinite_length_penalty", [](Setting& s) { s.keys().length_penalty = INFINITY; },
          "length_penalty", "finite"),
      out_of_range(
          "zero_repetition_penalty", [](Setting& s) { s.keys().repetition_penalty = 0; },
          "repetition_penalty is 0.0", "above 0"),
      out_of_range(
          "nan_encoder_penalty", [](Setting& s) { s.keys().encoder_repetition_penalty = NAN; },
          "encoder_repetition_penalty", "above 0"),
      out_of_range(
          "negative_ngram", [](Setting& s) { s.keys().no_repeat_ngram_size = -1; },
          "no_repeat_ngram_size", "at least 0"),
      out_of_range(
          "negative_encoder_ngram", [](Setting& s) { s.keys().encoder_no_repeat_ngram_size = -1; },
          "encoder_no_repeat_ngram_size", "at least 0"),
      out_of_range(
          "unknown_bad_word",
          [](Setting& s) {
            s.keys().bad_words_ids = {{5, 100}};
          },
          "bad_words_ids is 100", "from 0 to 99"),
      out_of_range(
          "empty_bad_word", [](Setting& s) { s.keys().bad_words_ids.emplace(1); }, "bad_words_ids",
          "empty"),
      out_of_range(
          "unknown_suppressed", [](Setting& s) { s.keys().suppress_tokens = {-1}; },
          "suppress_tokens is -1", "from 0 to 99"),
      out_of_range(
          "unknown_begin_suppressed", [](Setting& s) { s.keys().begin_suppress_tokens = {100}; },
          "begin_suppress_tokens", "from 0 to 99"),
      out_of_range(
          "unknown_end", [](Setting& s) { s.keys().eos_token_id = {100}; }, "eos_token_id",
          "from 0 to 99"),
      out_of_range(
          "unknown_forced_bos", [](Setting& s) { s.keys().forced_bos_token_id = 100; },
          "forced_bos_token_id", "to 99"),
      out_of_range(
          "unknown_forced_eos", [](Setting& s) { s.keys().forced_eos_token_id = {-2}; },
          "forced_eos_token_id", "from 0 to 99"),
      out_of_range(
          "unknown_start", [](Setting& s) { s.keys().decoder_start_token_id = 100; },
          "decoder_start_token_id", "to 99"),
      out_of_range(
          "unknown_prefix", [](Setting& s) { s.prefix = {100}; }, "prefix is 100", "from 0 to 99"),
      out_of_range(
          "no_time", [](Setting& s) { s.keys().max_time = 0; }, "max_time is 0.0", "above 0"),
      out_of_range(
          "empty_stop", [](Setting& s) { s.keys().stop_strings = {""}; }, "stop_strings",
          "empty string"),
      out_of_range(
          "empty_bias",
          [](Setting& s) {
            s.keys().sequence_bias = {{{}, 1.0}};
          },
          "sequence_bias", "empty"),
      out_of_range(
          "bias_of_an_unknown_token",
          [](Setting& s) {
            s.keys().sequence_bias = {{{100}, 1.0}};
          },
          "sequence_bias is 100", "to 99"),
      {"phrases_do_not_fit",
       [](Setting& s) {
         s.keys().max_new_tokens = 2;
         s.keys().force_words_ids = {{{5, 6}}};
       },
       ErrorCode::unsatisfiable, "need 2", "1 are allowed"},
  });
}

TEST(SearchOptions, AlternativesAreAsManyAsTheRequestWantsReturned) {
  Setting setting;
  setting.request.return_alternatives = true;
  setting.request.min_alternative_expansion_prob = 0.25;
  setting.keys().num_return_sequences = 5;
  const SearchOptions options = setting.resolve();
  EXPECT_TRUE(options.alternatives);
  EXPECT_EQ(options.num_return_sequences, 5);
  EXPECT_EQ(options.min_first_probability, 0.25);
}

Refusal no_alternatives(const std::string& name, std::function<void(Setting&)> change) {
  return {name,
          [change](Setting& setting) {
            setting.request.return_alternatives = true;
            setting.request.profile = Profile::ctranslate2;
            change(setting);
          },
          ErrorCode::unsupported, "return_alternatives is not available with", name};
}

TEST(SearchOptions, RefuseAlternativesOfWhatDoesNotGoWithThem) {
  static const WordTokenizer tokenizer({"a"});
  Aggressive relaxed;
  relaxed.verify = Verification::relaxed;
  expect_refused({
      no_alternatives("this strategy", [](Setting& s) { s.request.strategy = Sample{}; }),
      no_alternatives("this strategy", [=](Setting& s) { s.request.strategy = relaxed; }),
      no_alternatives("prefix_bias_beta", [](Setting& s) { s.keys().prefix_bias_beta = 0.5; }),
      no_alternatives("coverage_penalty", [](Setting& s) { s.keys().coverage_penalty = 0.5; }),
      no_alternatives("stop_strings",
                      [](Setting& s) {
                        s.context.tokenizer = &tokenizer;
                        s.keys().stop_strings = {"a"};
                      }),
      out_of_range(
          "too_many_alternatives",
          [](Setting& s) {
            s.request.return_alternatives = true;
            s.keys().num_return_sequences = 65;
          },
          "num_return_sequences is 65", "Limits::max_beams, which is 64"),
      out_of_range(
          "improbable_alternatives",
          [](Setting& s) { s.request.min_alternative_expansion_prob = 1.5; },
          "min_alternative_expansion_prob is 1.5", "from 0 to 1"),
  });
}

TEST(SearchOptions, RefuseWhatIsNotOfTheirProfile) {
  expect_refused({
      {"no_patience",
       [](Setting& s) {
         s.request.profile = Profile::ctranslate2;
         s.keys().patience = 0;
       },
       ErrorCode::invalid_argument, "patience", "above 0"},
      {"coverage_in_another_profile", [](Setting& s) { s.keys().coverage_penalty = 0.5; },
       ErrorCode::unsupported, "coverage_penalty", "profile ctranslate2"},
      {"soft_prefix_in_another_profile",
       [](Setting& s) {
         s.request.profile = Profile::marian;
         s.keys().prefix_bias_beta = 0.5;
       },
       ErrorCode::unsupported, "prefix_bias_beta", "profile ctranslate2"},
      {"soft_prefix_of_all_weight",
       [](Setting& s) {
         s.request.profile = Profile::ctranslate2;
         s.keys().prefix_bias_beta = 1;
       },
       ErrorCode::invalid_argument, "prefix_bias_beta", "below 1"},
      {"coverage_of_samples",
       [](Setting& s) {
         s.request.profile = Profile::ctranslate2;
         s.request.strategy = Sample{};
         s.keys().coverage_penalty = 0.5;
       },
       ErrorCode::unsupported, "coverage_penalty", "greedy and beam"},
      {"more_than_patience_gives",
       [](Setting& s) {
         s.request.profile = Profile::ctranslate2;
         s.keys().num_beams = 4;
         s.keys().patience = 1.5;
         s.keys().num_return_sequences = 7;
       },
       ErrorCode::invalid_argument, "num_return_sequences is 7", "at most"},
  });
}

}  // namespace
}  // namespace tandem::testing
