// The strategy: which one a request gets, how many outputs it returns, and what is refused.
#include "decoding/strategy_options.h"

#include <cmath>
#include <span>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/make_search.h"
#include "support/option_setting.h"

namespace tandem::testing {
namespace {

std::vector<double> no_opinion(std::span<const TokenId>,
                               std::span<const std::vector<TokenId>> prefixes) {
  return std::vector<double>(prefixes.size(), 0.0);
}

TEST(StrategyOptions, AutomaticFollowsTheKeysAndAStrategyOverrulesThem) {
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

TEST(StrategyOptions, SamplingThatARequestAsksForOverrulesTheModelsBeams) {
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

TEST(StrategyOptions, StrategiesThatDrawReturnWhatTheyHoldUnlessTheRequestSaysHowMany) {
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

TEST(StrategyOptions, EveryStrategyMakesASearch) {
  for (const Strategy& strategy : {Strategy(Greedy{}), Strategy(Beam{}), Strategy(DiverseBeam{}),
                                   Strategy(Sample{}), Strategy(Aggressive{})}) {
    Setting setting;
    setting.request.strategy = strategy;
    const auto search = make_search(setting.resolve());
    EXPECT_EQ(search->rows().size(), 1U);
    EXPECT_TRUE(search->settled().empty());
  }
}

TEST(StrategyOptions, RefuseNamingTheKeyAndTheRange) {
  expect_refused({
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
      {"sequence_to_action", [](Setting& s) { s.request.strategy = SequenceToAction{}; },
       ErrorCode::unsupported, "mixture", "not available"},
      {"copy_mixture", [](Setting& s) { s.request.strategy = CopyMixture{}; },
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
      {"diverse_marian",
       [](Setting& s) {
         s.request.profile = Profile::marian;
         s.request.strategy = DiverseBeam{};
       },
       ErrorCode::unsupported, "diverse", "marian"},
  });
}

}  // namespace
}  // namespace tandem::testing
