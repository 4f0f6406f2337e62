// Resolution of the generation keys: where a value comes from, and what is refused.
#include "decoding/search_options.h"

#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "decoding/make_search.h"
#include "support/random_case.h"
#include "support/word_tokenizer.h"

namespace tandem::testing {
namespace {

using ::testing::HasSubstr;

std::vector<double> no_opinion(std::span<const TokenId>,
                               std::span<const std::vector<TokenId>> prefixes) {
  return std::vector<double>(prefixes.size(), 0.0);
}

struct Setting {
  Request request;
  GenerationOptions defaults;
  SearchContext context;
  Limits limits;
  std::vector<TokenId> source{4, 5, 6, 0};
  std::vector<TokenId> prefix;

  Setting() {
    context.vocabulary_size = 100;
    defaults.eos_token_id = {0};
    defaults.decoder_start_token_id = 99;
  }
  SearchOptions resolve() {
    context.model_defaults = &defaults;
    context.source = source;
    context.prefix = prefix;
    return tandem::resolve(request, context, limits);
  }
  GenerationOptions& keys() { return request.generation; }
};

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

TEST(SearchOptions, AutomaticFollowsTheKeysAndAStrategyOverrulesThem) {
  Setting setting;
  EXPECT_TRUE(std::holds_alternative<Greedy>(setting.resolve().strategy));
  setting.defaults.num_beams = 4;
  setting.defaults.num_return_sequences = 2;
  EXPECT_TRUE(std::holds_alternative<Beam>(setting.resolve().strategy));
  setting.keys().num_beam_groups = 2;
  EXPECT_TRUE(std::holds_alternative<DiverseBeam>(setting.resolve().strategy));
  setting.request.strategy = Greedy{};
  const SearchOptions options = setting.resolve();
  EXPECT_EQ(options.num_beams, 1);
  EXPECT_EQ(options.num_return_sequences, 1);
}

TEST(SearchOptions, SamplingFollowsDoSampleAndItsCutOffsAreThoseOfHuggingFace) {
  Setting setting;
  setting.keys().do_sample = true;
  setting.keys().num_return_sequences = 10;
  setting.defaults.top_p = 0.9;
  SearchOptions options = setting.resolve();
  EXPECT_TRUE(std::holds_alternative<Sample>(options.strategy));
  EXPECT_EQ(options.num_return_sequences, 10);
  EXPECT_EQ(options.warpers.top_k, 50);
  EXPECT_EQ(options.warpers.top_p, 0.9);
  EXPECT_EQ(options.warpers.min_p, 0.0);
  EXPECT_EQ(options.seed, 0U);
  setting.keys().top_k = 0;
  setting.keys().seed = 7;
  options = setting.resolve();
  EXPECT_EQ(options.warpers.top_k, 0);
  EXPECT_EQ(options.seed, 7U);
}

TEST(SearchOptions, SamplingThatARequestAsksForOverrulesTheModelsBeams) {
  Setting setting;
  setting.defaults.num_beams = 4;
  setting.keys().do_sample = true;
  EXPECT_TRUE(std::holds_alternative<Sample>(setting.resolve().strategy));
  EXPECT_EQ(setting.resolve().num_beams, 1);
  setting.keys().num_beams = 3;
  EXPECT_TRUE(std::holds_alternative<BeamSample>(setting.resolve().strategy));
  EXPECT_EQ(setting.resolve().num_beams, 3);
  EXPECT_EQ(setting.resolve().warpers.min_kept, 2);
}

TEST(SearchOptions, ContrastiveSearchKeepsAPositionForTheLastToken) {
  Setting setting;
  setting.context.max_target_positions = 10;
  EXPECT_EQ(setting.resolve().max_new_tokens, 10);
  setting.request.strategy = Contrastive{};
  EXPECT_EQ(setting.resolve().max_new_tokens, 9);
}

TEST(SearchOptions, StrategiesThatDrawReturnWhatTheyHoldUnlessTheRequestSaysHowMany) {
  Setting setting;
  setting.keys().num_beams = 4;
  setting.request.strategy = StochasticBeam{};
  EXPECT_EQ(setting.resolve().num_return_sequences, 4);
  setting.request.strategy = SequentialMonteCarlo{.particles = 7};
  EXPECT_EQ(setting.resolve().num_return_sequences, 7);
  setting.request.strategy = MinimumBayesRisk{.samples = 7, .utility = Utility::bleu};
  EXPECT_EQ(setting.resolve().num_return_sequences, 1);
  setting.keys().num_return_sequences = 3;
  EXPECT_EQ(setting.resolve().num_return_sequences, 3);
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

TEST(SearchOptions, ALengthOfTheRequestWinsOverOneOfTheModel) {
  Setting setting;
  EXPECT_EQ(setting.resolve().max_new_tokens, setting.limits.max_target_tokens);
  setting.context.max_target_positions = 512;
  EXPECT_EQ(setting.resolve().max_new_tokens, 512);
  setting.defaults.max_length = 200;
  EXPECT_EQ(setting.resolve().max_new_tokens, 199);
  setting.defaults.max_new_tokens = 50;
  EXPECT_EQ(setting.resolve().max_new_tokens, 50);
  setting.keys().max_length = 10;
  EXPECT_EQ(setting.resolve().max_new_tokens, 9);
  setting.prefix = {7, 8};
  EXPECT_EQ(setting.resolve().max_new_tokens, 7);
  setting.keys().max_new_tokens = 3;
  EXPECT_EQ(setting.resolve().max_new_tokens, 3);
}

TEST(SearchOptions, MinimumLengthsCountWhatTheirKeysCount) {
  Setting setting;
  setting.keys().max_new_tokens = 20;
  setting.defaults.min_length = 8;
  EXPECT_EQ(setting.resolve().min_new_tokens, 7);
  setting.prefix = {7, 8};
  EXPECT_EQ(setting.resolve().min_new_tokens, 5);
  setting.keys().min_length = 2;
  EXPECT_EQ(setting.resolve().min_new_tokens, 0);
  setting.keys().min_new_tokens = 4;
  EXPECT_EQ(setting.resolve().min_new_tokens, 4);
}

TEST(SearchOptions, MarianLimitsTheLengthByTheSourceAndBansTheUnknownToken) {
  Setting setting;
  setting.request.profile = Profile::marian;
  setting.context.unk_token = 1;
  SearchOptions options = setting.resolve();
  EXPECT_EQ(options.max_new_tokens, 12);  // 3 x 4
  EXPECT_THAT(options.suppress_tokens, ::testing::ElementsAre(1));
  setting.request.max_length_factor = 1.1;
  setting.context.allow_unk = true;
  options = setting.resolve();
  EXPECT_EQ(options.max_new_tokens, 5);  // the first step t with t >= 4.4
  EXPECT_TRUE(options.suppress_tokens.empty());
  setting.request.max_length_factor = 0.01;
  EXPECT_EQ(setting.resolve().max_new_tokens, 1);
  setting.request.max_length_factor.reset();
  setting.keys().max_new_tokens = 40;
  EXPECT_EQ(setting.resolve().max_new_tokens, 40);
}

TEST(SearchOptions, ABannedEndTokenAloneIsLeftOut) {
  Setting setting;
  setting.keys().bad_words_ids = {{0}, {5}, {6, 0}};
  EXPECT_THAT(setting.resolve().bad_words,
              ::testing::ElementsAre(std::vector<TokenId>{5}, std::vector<TokenId>{6, 0}));
}

struct Refusal {
  std::string name;
  std::function<void(Setting&)> change;
  ErrorCode code;
  std::string key;       // must stand in the message
  std::string expected;  // must stand in the message
};

class SearchOptionsRefuse : public ::testing::TestWithParam<Refusal> {};

TEST_P(SearchOptionsRefuse, NamingTheKeyAndTheRange) {
  Setting setting;
  GetParam().change(setting);
  try {
    setting.resolve();
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), GetParam().code);
    EXPECT_THAT(error.message(), HasSubstr(GetParam().key));
    EXPECT_THAT(error.message(), HasSubstr(GetParam().expected));
  }
}

Refusal out_of_range(const std::string& name, std::function<void(Setting&)> change,
                     const std::string& key, const std::string& expected) {
  return {name, std::move(change), ErrorCode::invalid_argument, key, expected};
}

std::vector<Refusal> refusals() {
  return {
      out_of_range(
          "no_beams", [](Setting& s) { s.keys().num_beams = 0; }, "num_beams is 0", "from 1 to 64"),
      out_of_range(
          "too_many_beams", [](Setting& s) { s.keys().num_beams = 65; }, "num_beams is 65",
          "from 1 to 64"),
      out_of_range(
          "groups_do_not_divide",
          [](Setting& s) {
            s.keys().num_beams = 4;
            s.keys().num_beam_groups = 3;
          },
          "num_beam_groups is 3", "divisor of num_beams, which is 4"),
      out_of_range(
          "no_groups", [](Setting& s) { s.keys().num_beam_groups = 0; }, "num_beam_groups",
          "at least 1"),
      out_of_range(
          "more_returned_than_beams",
          [](Setting& s) {
            s.keys().num_beams = 2;
            s.keys().num_return_sequences = 3;
          },
          "num_return_sequences is 3", "at most num_beams, which is 2"),
      out_of_range(
          "nothing_returned", [](Setting& s) { s.keys().num_return_sequences = 0; },
          "num_return_sequences", "at least 1"),
      out_of_range(
          "negative_diversity", [](Setting& s) { s.keys().diversity_penalty = -0.5; },
          "diversity_penalty is -0.5", "at least 0"),
      out_of_range(
          "infinite_length_penalty", [](Setting& s) { s.keys().length_penalty = INFINITY; },
          "length_penalty", "finite"),
      out_of_range(
          "no_new_tokens", [](Setting& s) { s.keys().max_new_tokens = 0; }, "max_new_tokens is 0",
          "at least 1"),
      out_of_range(
          "prefix_longer_than_max_length",
          [](Setting& s) {
            s.keys().max_length = 3;
            s.prefix = {5, 6};
          },
          "max_length is 3", "more than the 3 tokens"),
      out_of_range(
          "least_above_most",
          [](Setting& s) {
            s.keys().max_new_tokens = 3;
            s.keys().min_new_tokens = 4;
          },
          "min_new_tokens is 4", "3 generated tokens"),
      out_of_range(
          "negative_min_length", [](Setting& s) { s.keys().min_length = -1; }, "min_length is -1",
          "at least 0"),
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
          "negative_decay",
          [](Setting& s) {
            s.keys().exponential_decay_length_penalty = {3, -1.0};
          },
          "exponential_decay_length_penalty", "above 0"),
      out_of_range(
          "no_draft",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.max_draft = 0;
            s.request.strategy = aggressive;
          },
          "max_draft is 0", "at least 1"),
      out_of_range(
          "unknown_draft",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.draft_ids = {100};
            s.request.strategy = aggressive;
          },
          "draft_ids is 100", "from 0 to 99"),
      out_of_range(
          "no_best_tokens",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.top_beta = 0;
            s.request.strategy = aggressive;
          },
          "top_beta is 0", "at least 1"),
      out_of_range(
          "negative_gap",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.tau = -0.5;
            s.request.strategy = aggressive;
          },
          "tau is -0.5", "at least 0"),
      out_of_range(
          "rejection_without_sampling",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.verify = Verification::rejection;
            s.request.strategy = aggressive;
          },
          "verify is rejection", "do_sample"),
      out_of_range(
          "draft_without_a_callback",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.drafter = DraftSource::callback;
            s.request.strategy = aggressive;
          },
          "Aggressive::draft is empty", "a function"),
      out_of_range(
          "draft_without_a_model",
          [](Setting& s) {
            Aggressive aggressive;
            aggressive.drafter = DraftSource::model;
            s.request.strategy = aggressive;
          },
          "draft_model is empty", "an engine"),
      out_of_range(
          "zero_length_factor",
          [](Setting& s) {
            s.request.profile = Profile::marian;
            s.request.max_length_factor = 0;
          },
          "max_length_factor", "above 0"),
      out_of_range(
          "zero_temperature", [](Setting& s) { s.keys().temperature = 0; }, "temperature",
          "above 0"),
      out_of_range(
          "top_p_above_one", [](Setting& s) { s.keys().top_p = 1.5; }, "top_p", "at most 1"),
      out_of_range(
          "min_p_above_one", [](Setting& s) { s.keys().min_p = 1.5; }, "min_p is 1.5", "0 to 1"),
      out_of_range(
          "zero_typical_p", [](Setting& s) { s.keys().typical_p = 0; }, "typical_p is 0.0",
          "above 0"),
      out_of_range(
          "epsilon_of_one", [](Setting& s) { s.keys().epsilon_cutoff = 1; }, "epsilon_cutoff",
          "below 1"),
      out_of_range(
          "negative_eta", [](Setting& s) { s.keys().eta_cutoff = -0.1; }, "eta_cutoff is -0.1",
          "at least 0"),
      out_of_range(
          "too_many_samples",
          [](Setting& s) {
            s.keys().do_sample = true;
            s.keys().num_return_sequences = 65;
          },
          "num_return_sequences is 65", "Limits::max_beams, which is 64"),
      out_of_range(
          "no_particles",
          [](Setting& s) { s.request.strategy = SequentialMonteCarlo{.particles = 0}; },
          "particles is 0", "from 1 to 64"),
      out_of_range(
          "threshold_above_one",
          [](Setting& s) { s.request.strategy = SequentialMonteCarlo{.ess_threshold = 1.5}; },
          "ess_threshold is 1.5", "from 0 to 1"),
      out_of_range(
          "one_sample", [](Setting& s) { s.request.strategy = MinimumBayesRisk{.samples = 1}; },
          "samples is 1", "from 2 to 64"),
      out_of_range(
          "more_than_the_samples",
          [](Setting& s) {
            s.request.strategy = MinimumBayesRisk{.samples = 3, .utility = Utility::bleu};
            s.keys().num_return_sequences = 4;
          },
          "num_return_sequences is 4", "samples, which is 3"),
      out_of_range(
          "condition_without_a_scorer", [](Setting& s) { s.request.strategy = ConditionalBeam{}; },
          "ConditionalBeam::scorer is empty", "a function"),
      out_of_range(
          "no_conditional_candidates",
          [](Setting& s) {
            s.request.strategy = ConditionalBeam{no_opinion, 1.0, 0};
          },
          "candidates is 0", "at least 1"),
      out_of_range(
          "endless_weight",
          [](Setting& s) {
            s.request.strategy = ConditionalBeam{no_opinion, INFINITY, 1};
          },
          "weight is inf", "finite"),
      out_of_range(
          "ranking_without_a_scorer", [](Setting& s) { s.request.strategy = RankedSampling{}; },
          "RankedSampling::scorer is empty", "a function"),
      out_of_range(
          "too_many_ranked_samples",
          [](Setting& s) {
            s.request.strategy = RankedSampling{no_opinion, 4, 17, 1};
          },
          "samples is 17", "from 1 to 16"),
      out_of_range(
          "empty_pieces",
          [](Setting& s) {
            s.request.strategy = RankedSampling{no_opinion, 1, 1, 0};
          },
          "piece is 0", "at least 1"),
      out_of_range(
          "alpha_above_one",
          [](Setting& s) {
            s.request.strategy = Contrastive{1.5, 4};
          },
          "alpha is 1.5", "from 0 to 1"),
      out_of_range(
          "nothing_to_contrast",
          [](Setting& s) {
            s.request.strategy = Contrastive{0.5, 0};
          },
          "top_k is 0", "from 1 to 64"),
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
      out_of_range(
          "negative_top_k", [](Setting& s) { s.keys().top_k = -1; }, "top_k", "at least 0"),
      {"too_many_tokens", [](Setting& s) { s.keys().max_new_tokens = 5000; },
       ErrorCode::resource_exhausted, "5000", "max_target_tokens"},
      {"prefix_fills_the_positions",
       [](Setting& s) {
         s.context.max_target_positions = 2;
         s.prefix = {5, 6};
       },
       ErrorCode::resource_exhausted, "prefix has 2", "may have 2"},
      {"beam_sampling_by_other_rules",
       [](Setting& s) {
         s.keys().do_sample = true;
         s.keys().num_beams = 2;
         s.request.profile = Profile::marian;
       },
       ErrorCode::unsupported, "beam sampling", "profile"},
      {"mixture", [](Setting& s) { s.request.strategy = Mixture{}; }, ErrorCode::unsupported,
       "mixture", "not available"},
      {"ensemble", [](Setting& s) { s.request.strategy = Ensemble{}; }, ErrorCode::unsupported,
       "mixture", "not available"},
      {"copy_mixture", [](Setting& s) { s.request.strategy = CopyMixture{}; },
       ErrorCode::unsupported, "mixture", "not available"},
      {"sequence_to_action", [](Setting& s) { s.request.strategy = SequenceToAction{}; },
       ErrorCode::unsupported, "mixture", "not available"},
      {"warped_particles",
       [](Setting& s) {
         s.request.strategy = SequentialMonteCarlo{};
         s.keys().temperature = 0.5;
       },
       ErrorCode::unsupported, "temperature", "smc"},
      {"chrf_without_text", [](Setting& s) { s.request.strategy = MinimumBayesRisk{}; },
       ErrorCode::unsupported, "chrf", "tokenizer"},
      {"stop_strings_of_beams",
       [](Setting& s) {
         s.keys().num_beams = 2;
         s.keys().stop_strings = {"x"};
       },
       ErrorCode::unsupported, "stop_strings", "strategy"},
      {"stop_strings_without_text", [](Setting& s) { s.keys().stop_strings = {"x"}; },
       ErrorCode::unsupported, "stop_strings", "tokenizer"},
      {"diverse_ctranslate2",
       [](Setting& s) {
         s.request.profile = Profile::ctranslate2;
         s.request.strategy = DiverseBeam{};
       },
       ErrorCode::unsupported, "diverse", "ctranslate2"},
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
      {"diverse_marian",
       [](Setting& s) {
         s.request.profile = Profile::marian;
         s.request.strategy = DiverseBeam{};
       },
       ErrorCode::unsupported, "diverse", "marian"},
      {"phrases_do_not_fit",
       [](Setting& s) {
         s.keys().max_new_tokens = 2;
         s.keys().force_words_ids = {{{5, 6}}};
       },
       ErrorCode::unsatisfiable, "need 2", "1 are allowed"},
  };
}

INSTANTIATE_TEST_SUITE_P(Refusals, SearchOptionsRefuse, ::testing::ValuesIn(refusals()),
                         [](const auto& refusal) { return refusal.param.name; });

TEST(SearchOptions, EveryStrategyMakesASearch) {
  for (const Strategy& strategy : {Strategy(Greedy{}), Strategy(Beam{}), Strategy(DiverseBeam{}),
                                   Strategy(Sample{}), Strategy(Aggressive{})}) {
    Setting setting;
    setting.request.strategy = strategy;
    const auto search = make_search(setting.resolve());
    EXPECT_EQ(search->rows().size(), 1U);
    EXPECT_TRUE(search->settled().empty());
  }
}

}  // namespace
}  // namespace tandem::testing
