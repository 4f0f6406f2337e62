// Conditional beam search: against beam search where the scorer says nothing, and against
// enumeration where the beam is wide.
#include "decoding/conditional_beam.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/error.h>

#include "support/exhaustive_search.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

PrefixScorer constant(double value) {
  return [value](std::span<const TokenId>, std::span<const Ids> prefixes) {
    return std::vector<double>(prefixes.size(), value);
  };
}

// Any function of the whole prefix.
double opinion(const Ids& prefix) {
  std::uint64_t state = 17;
  for (const TokenId token : prefix) state = mix(state ^ static_cast<std::uint64_t>(token));
  return -4 * static_cast<double>(state >> 11) * 0x1.0p-53;
}

PrefixScorer opinionated() {
  return [](std::span<const TokenId>, std::span<const Ids> prefixes) {
    std::vector<double> scores;
    for (const Ids& prefix : prefixes) scores.push_back(opinion(prefix));
    return scores;
  };
}

TEST(ConditionalBeam, AConstantScorerIsBeamSearch) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    auto& options = random_case.options;
    options.strategy = Beam{};
    const RunResult beam = run(random_case.model, 0, options);
    const double value = Random(seed).one_of({0.0, -2.5, 4.0});
    options.strategy = ConditionalBeam{constant(value), 0.5, 1};
    const RunResult conditional = run(random_case.model, 0, options);
    ASSERT_EQ(conditional.hypotheses.size(), beam.hypotheses.size());
    for (std::size_t i = 0; i < beam.hypotheses.size(); ++i) {
      const bool found = !beam.hypotheses[i].ids.empty();
      EXPECT_EQ(conditional.hypotheses[i].ids, beam.hypotheses[i].ids);
      EXPECT_NEAR(conditional.hypotheses[i].score,
                  beam.hypotheses[i].score + (found ? 0.5 * value : 0), 1e-9);
    }
    EXPECT_EQ(conditional.stats.decoder_passes, beam.stats.decoder_passes);
  }
}

TEST(ConditionalBeam, AWideBeamFindsTheBestByProbabilityAndScorer) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    TableModel model;
    model.vocabulary_size = 4;
    model.seed = seed;
    SearchOptions options;
    options.vocabulary_size = 4;
    options.eos_tokens = {kEos};
    options.start_token = 1;
    options.max_new_tokens = 3;
    options.num_beams = options.num_return_sequences = 64;
    options.length_penalty = Random(seed).one_of({0.0, 1.0});
    options.strategy = ConditionalBeam{opinionated(), 1.5, 4};
    std::vector<double> expected;
    for (const ScoredOutput& output : all_outputs(model, 0, options))
      expected.push_back(output.score + 1.5 * opinion(output.ids));
    std::sort(expected.rbegin(), expected.rend());
    const RunResult found = run(model, 0, options);
    ASSERT_EQ(found.hypotheses.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(found.hypotheses[i].score, expected[i], 1e-5);
  }
}

TEST(ConditionalBeam, OnlyTheNewestValueCounts) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    add_beams(seed, random_case.options);
    auto& options = random_case.options;
    options.strategy = ConditionalBeam{opinionated(), 2.0, 8};
    for (const Hypothesis& hypothesis : run(random_case.model, 0, options).hypotheses) {
      const auto prefix = static_cast<std::ptrdiff_t>(options.prefix.size());
      double sum = 0;
      for (std::size_t i = options.prefix.size(); i < hypothesis.ids.size(); ++i)
        sum += hypothesis.token_log_probs[i];
      const int length = static_cast<int>(hypothesis.ids.size()) - static_cast<int>(prefix);
      EXPECT_NEAR(hypothesis.score,
                  final_score(options, sum, length) + 2.0 * opinion(hypothesis.ids), 1e-5);
    }
  }
}

TEST(ConditionalBeam, WhatTheScorerRulesOutNeverComesOut) {
  const PrefixScorer no_fives = [](std::span<const TokenId>, std::span<const Ids> prefixes) {
    std::vector<double> scores;
    for (const Ids& prefix : prefixes)
      scores.push_back(std::count(prefix.begin(), prefix.end(), 5) > 0 ? -INFINITY : 0.0);
    return scores;
  };
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    RandomCase random_case = plain_case(seed);
    random_case.options.prefix.clear();
    add_beams(seed, random_case.options);
    random_case.options.strategy = ConditionalBeam{no_fives, 1.0, 8};
    for (const Hypothesis& hypothesis : run(random_case.model, 0, random_case.options).hypotheses)
      EXPECT_EQ(std::count(hypothesis.ids.begin(), hypothesis.ids.end(), 5), 0);
  }
  RandomCase nothing = plain_case(0);
  nothing.options.prefix.clear();
  nothing.options.strategy = ConditionalBeam{constant(-INFINITY), 1.0, 8};
  EXPECT_EQ(run(nothing.model, 0, nothing.options).best().finish_reason,
            FinishReason::constraint_unsatisfied);
}

TEST(ConditionalBeam, AnUnsoundScorerIsATypedError) {
  RandomCase random_case = plain_case(0);
  const auto run_with = [&](PrefixScorer scorer) {
    random_case.options.strategy = ConditionalBeam{std::move(scorer), 1.0, 8};
    run(random_case.model, 0, random_case.options);
  };
  expect_error([&] { run_with(constant(NAN)); }, ErrorCode::invalid_argument, "nan");
  expect_error([&] { run_with(constant(INFINITY)); }, ErrorCode::invalid_argument, "inf");
  expect_error([&] { run_with([](auto, auto) { return std::vector<double>{1.0}; }); },
               ErrorCode::invalid_argument, "gave 1 numbers");
  expect_error(
      [&] {
        run_with([](auto, auto) -> std::vector<double> { throw std::runtime_error("no luck"); });
      },
      ErrorCode::invalid_argument, "no luck");
}

}  // namespace
}  // namespace tandem::testing
