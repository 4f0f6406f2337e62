// Temperature and cut-offs: where they come from, and what is refused.
#include "decoding/sampling_options.h"

#include <span>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "support/option_setting.h"

namespace tandem::testing {
namespace {

TEST(SamplingOptions, SamplingFollowsDoSampleAndItsCutOffsAreThoseOfHuggingFace) {
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

// Without top_k, each row is the whole vocabulary.
TEST(SamplingOptions, WhatAStepAsksForIsBounded) {
  Setting setting;
  setting.keys().do_sample = true;
  setting.keys().top_k = 0;
  setting.keys().num_return_sequences = 64;
  setting.context.vocabulary_size = 1 << 18;  // as large as any model's
  EXPECT_EQ(setting.resolve().num_return_sequences, 64);
  setting.context.vocabulary_size = 100;
  setting.limits.max_step_candidates = 6399;
  expect_error([&] { setting.resolve(); }, ErrorCode::resource_exhausted,
               "100 candidates in each of 64 rows; the limit max_step_candidates is 6399");
  setting.keys().top_k = 99;
  EXPECT_EQ(setting.resolve().warpers.top_k, 99);
  setting.context.whole_rows = true;
  expect_error([&] { setting.resolve(); }, ErrorCode::resource_exhausted, "max_step_candidates");
}

// The same bound for every strategy that draws.
TEST(SamplingOptions, EveryStrategyThatDrawsIsBounded) {
  const PrefixScorer scorer = [](auto, std::span<const std::vector<TokenId>> prefixes) {
    return std::vector<double>(prefixes.size(), 0.0);
  };
  Aggressive rejection;
  rejection.verify = Verification::rejection;
  rejection.max_draft = 3;
  const MinimumBayesRisk risk{.samples = 4, .utility = Utility::bleu};
  for (const Strategy& strategy :
       {Strategy(Sample{}), Strategy(BeamSample{}), Strategy(StochasticBeam{}), Strategy(rejection),
        Strategy(risk), Strategy(SequentialMonteCarlo{.particles = 4}),
        Strategy(RankedSampling{scorer, 2, 2, 4})}) {
    SCOPED_TRACE(strategy.index());
    Setting setting;
    setting.request.strategy = strategy;
    setting.keys().do_sample = true;
    if (!std::holds_alternative<SequentialMonteCarlo>(strategy)) setting.keys().top_k = 0;
    if (std::holds_alternative<Sample>(strategy)) setting.keys().num_return_sequences = 4;
    setting.keys().num_beams = 4;
    setting.limits.max_step_candidates = 400;
    EXPECT_NO_THROW(setting.resolve());
    setting.limits.max_step_candidates = 399;
    expect_error([&] { setting.resolve(); }, ErrorCode::resource_exhausted, "in each of 4 rows");
  }
}

TEST(SamplingOptions, RefuseNamingTheKeyAndTheRange) {
  expect_refused({
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
          "negative_top_k", [](Setting& s) { s.keys().top_k = -1; }, "top_k", "at least 0"),
  });
}

}  // namespace
}  // namespace tandem::testing
