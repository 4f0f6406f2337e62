// Warpers against a transcription of their published rules over whole rows.
#include "decoding/warpers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chi_square.h"
#include "support/random_case.h"
#include "support/table_decoder.h"
#include "support/warper_oracle.h"

namespace tandem::testing {
namespace {

std::vector<double> random_row(Random& random, double sharpness) {
  TableModel model;
  model.vocabulary_size = random.number(1, 40);
  model.seed = static_cast<std::uint64_t>(random.number(0, 1 << 20));
  model.sharpness = sharpness;
  const TokenId start = 1;
  return model.logits(0, std::span(&start, 1));
}

// The choices as probabilities of the whole row.
std::vector<double> warped(const WarperOptions& options, const std::vector<double>& row) {
  CandidateQuery query;
  query.space = ScoreSpace::logits;
  query.top_k = candidates_to_warp(options, static_cast<TokenId>(row.size()));
  std::vector<double> probabilities(row.size(), 0);
  double last = 0;
  for (const Choice& choice : warp(options, answer(query, row))) {
    EXPECT_LE(choice.log_p, last);  // best first
    last = choice.log_p;
    probabilities[static_cast<std::size_t>(choice.candidate.token)] = std::exp(choice.log_p);
  }
  return probabilities;
}

void expect_oracle(const WarperOptions& options, std::uint64_t seed) {
  SCOPED_TRACE(seed);
  Random random(seed);
  const auto row = random_row(random, random.one_of({0.5, 3.0, 8.0}));
  const auto got = warped(options, row);
  const auto expected = WarperOracle(options).probabilities(row);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i] > 0, expected[i] > 0) << "token " << i;
    EXPECT_NEAR(got[i], expected[i], 1e-6) << "token " << i;
  }
}

TEST(Warpers, EachAloneFollowsItsPublishedRule) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    for (const double temperature : {0.3, 1.0, 2.5})
      expect_oracle({.temperature = temperature}, seed);
    for (const int top_k : {1, 2, 7, 1000}) expect_oracle({.top_k = top_k}, seed);
    for (const double top_p : {0.001, 0.3, 0.9, 0.999}) expect_oracle({.top_p = top_p}, seed);
    for (const double min_p : {0.01, 0.2, 1.0}) expect_oracle({.min_p = min_p}, seed);
    for (const double mass : {0.001, 0.2, 0.95}) expect_oracle({.typical_p = mass}, seed);
    for (const double epsilon : {0.001, 0.05, 0.9}) {
      expect_oracle({.epsilon_cutoff = epsilon}, seed);
      expect_oracle({.eta_cutoff = epsilon}, seed);
    }
  }
}

TEST(Warpers, AllTogetherFollowTheOrderOfHuggingFace) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed ^ 0x51);
    WarperOptions options;
    options.temperature = random.one_of({0.7, 1.0, 1.3});
    options.min_kept = random.one_of({1, 1, 2, 4});
    if (random.chance(50)) options.top_k = random.number(1, 30);
    if (random.chance(50)) options.top_p = random.one_of({0.5, 0.9, 0.97});
    if (random.chance(50)) options.min_p = random.one_of({0.02, 0.1});
    if (random.chance(50)) options.typical_p = random.one_of({0.5, 0.9});
    if (random.chance(50)) options.epsilon_cutoff = random.one_of({0.003, 0.03});
    if (random.chance(50)) options.eta_cutoff = random.one_of({0.003, 0.03});
    expect_oracle(options, seed);
  }
}

TEST(Warpers, OfTiedTokensTheLowestIdsAreKept) {
  const auto p = warped({.top_k = 2}, {1.0, 2.0, 2.0, 2.0});
  EXPECT_THAT(p, ::testing::Pointwise(::testing::DoubleNear(1e-12), {0.0, 0.5, 0.5, 0.0}));
}

TEST(Warpers, NoCandidateGivesNoChoice) {
  EXPECT_TRUE(warp({.top_p = 0.5, .min_p = 0.1, .typical_p = 0.5}, {}).empty());
}

TEST(Warpers, DrawsFollowTheDistribution) {
  const std::vector<double> row{1.0, 0.5, -1.0, 2.0, 0.0, -3.0};
  CandidateQuery query;
  query.top_k = 6;
  const auto choices = warp({.temperature = 1.2}, answer(query, row));
  std::vector<int> counts(row.size(), 0);
  constexpr int kDraws = 30000;
  for (int i = 0; i < kDraws; ++i)
    ++counts[static_cast<std::size_t>(draw(choices, (i + 0.5) / kDraws).candidate.token)];
  const auto p = WarperOracle({.temperature = 1.2}).probabilities(row);
  for (std::size_t token = 0; token < p.size(); ++token)
    EXPECT_NEAR(counts[token] / double{kDraws}, p[token], 1e-4);
  EXPECT_EQ(draw(choices, 0.0).candidate.token, choices.front().candidate.token);
  EXPECT_EQ(draw(choices, 1.0).candidate.token, choices.back().candidate.token);
}

}  // namespace
}  // namespace tandem::testing
