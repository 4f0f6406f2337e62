// Pearson's chi-square test: do observed counts fit the probabilities that they should have?
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::testing {

// Fails where a fit as bad as this has a chance below 1 in 1,000. Cells that expect fewer than five
// observations are counted as one. Seeds are fixed, so a law that holds keeps holding.
inline void expect_fit(const std::vector<int>& observed, const std::vector<double>& probabilities) {
  ASSERT_EQ(observed.size(), probabilities.size());
  double total = 0;
  for (const int count : observed) total += count;
  double statistic = 0;
  int cells = 0;
  double rare_expected = 0;
  double rare_observed = 0;
  const auto add = [&](double expected, double count) {
    statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  };
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double expected = total * probabilities[i];
    if (expected >= 5) {
      add(expected, observed[i]);
      continue;
    }
    EXPECT_TRUE(probabilities[i] > 0 || observed[i] == 0) << "the impossible was drawn: " << i;
    rare_expected += expected;
    rare_observed += observed[i];
  }
  if (rare_expected >= 5) add(rare_expected, rare_observed);
  if (cells < 2) return;
  // The quantile by Wilson and Hilferty 1931.
  const double freedom = cells - 1;
  const double spread = 2 / (9 * freedom);
  const double limit = freedom * std::pow(1 - spread + 3.0902 * std::sqrt(spread), 3);
  EXPECT_LT(statistic, limit) << "with " << freedom << " degrees of freedom";
}

}  // namespace tandem::testing
