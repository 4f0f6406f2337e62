// Resampling: offspring in proportion to weight.
#include "decoding/resampling.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::testing {
namespace {

TEST(Resampling, TheEffectiveSampleSizeRunsFromOneToAll) {
  EXPECT_NEAR(effective_sample_size(std::vector<double>{-3, -3, -3, -3}), 4, 1e-12);
  EXPECT_NEAR(effective_sample_size(std::vector<double>{-900, -INFINITY, -INFINITY}), 1, 1e-12);
  EXPECT_NEAR(effective_sample_size(std::vector<double>{std::log(3.0), std::log(1.0)}),
              1 / (0.75 * 0.75 + 0.25 * 0.25), 1e-12);
  EXPECT_EQ(effective_sample_size(std::vector<double>{-INFINITY, -INFINITY}), 0);
}

TEST(Resampling, OffspringAreInProportionToTheWeightAndNeverFarFromIt) {
  const std::vector<double> shares{0.5, 0.0, 0.13, 0.07, 0.3};
  std::vector<double> log_weights;
  for (const double share : shares) log_weights.push_back(std::log(share) - 700);
  std::vector<double> offspring(shares.size(), 0);
  constexpr int kRuns = 20000;
  for (int i = 0; i < kRuns; ++i) {
    RandomStream random(1, i, 0);
    std::vector<int> counts(shares.size(), 0);
    for (const std::size_t ancestor : stratified_ancestors(log_weights, random)) ++counts[ancestor];
    for (std::size_t k = 0; k < shares.size(); ++k) {
      EXPECT_LE(std::abs(counts[k] - 5 * shares[k]), 2);
      offspring[k] += counts[k];
    }
    EXPECT_EQ(counts[1], 0) << "the dead have offspring";
  }
  for (std::size_t k = 0; k < shares.size(); ++k)
    EXPECT_NEAR(offspring[k] / kRuns, 5 * shares[k], 0.02);
}

TEST(Resampling, OneSurvivorIsTheAncestorOfAll) {
  RandomStream random(1, 0, 0);
  const std::vector<double> log_weights{-INFINITY, -INFINITY, -1e6, -INFINITY};
  EXPECT_EQ(stratified_ancestors(log_weights, random), (std::vector<std::size_t>{2, 2, 2, 2}));
}

}  // namespace
}  // namespace tandem::testing
