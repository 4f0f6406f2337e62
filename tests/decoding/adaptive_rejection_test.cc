// Adaptive rejection sampling: exact draws and unbiased weights, by enumeration.
#include "decoding/adaptive_rejection.h"

#include <cmath>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/chi_square.h"
#include "support/random_case.h"

namespace tandem::testing {
namespace {

constexpr int kDraws = 100000;

struct Estimator {
  std::string name;
  RejectionDraw (*draw)(std::span<const double>, const Accepts&, RejectionLimits, RandomStream&);
  RejectionLimits limits;
};

std::vector<Estimator> estimators() {
  return {{"recursive", draw_recursive, {}},
          {"recursive, 2 rejects", draw_recursive, {.max_rejects = 2}},
          {"recursive, 3 rejects", draw_recursive, {.max_rejects = 3}},
          {"geometric", draw_geometric, {}},
          {"geometric, 5 accepts", draw_geometric, {.max_accepts = 5}},
          {"geometric, 2 rejects", draw_geometric, {.max_rejects = 2}},
          {"geometric, 5 accepts, 3 rejects", draw_geometric, {.max_accepts = 5, .max_rejects = 3}},
          {"adaptive", draw_adaptive, {}}};
}

// A distribution of 6 tokens, best first, whose sum may be below 1, and which of them pass.
struct Case {
  std::vector<double> log_p;
  std::vector<bool> passes;
};

Case random_case(std::uint64_t seed) {
  Random random(seed);
  Case made;
  double sum = 0;
  for (int i = 0; i < 6; ++i) {
    made.log_p.push_back(-0.5 * i - 0.01 * random.number(0, 40) * i);
    sum += std::exp(made.log_p.back());
    made.passes.push_back(random.chance(50));
  }
  made.passes[static_cast<std::size_t>(random.number(0, 5))] = true;
  const double kept = random.one_of({1.0, 0.8});
  for (double& value : made.log_p) value += std::log(kept / sum);
  return made;
}

// Within four standard errors.
void expect_mean(double sum, double sum_of_squares, double expected, const std::string& what) {
  const double mean = sum / kDraws;
  const double variance = std::max(0.0, sum_of_squares / kDraws - mean * mean);
  EXPECT_NEAR(mean, expected, 4 * std::sqrt(variance / kDraws) + 1e-9) << what;
}

void expect_laws(const Estimator& estimator, const Case& tested, std::uint64_t seed) {
  const std::size_t size = tested.log_p.size();
  double allowed = 0;
  for (std::size_t i = 0; i < size; ++i)
    if (tested.passes[i]) allowed += std::exp(tested.log_p[i]);
  std::vector<int> counts(size, 0);
  std::vector<double> sums(size, 0), squares(size, 0);
  double sum = 0, square = 0;
  for (int i = 0; i < kDraws; ++i) {
    RandomStream random(seed, i, 0);
    std::set<std::size_t> tests;
    const auto accepts = [&](std::size_t index) {
      EXPECT_TRUE(tests.insert(index).second) << "tested twice";
      return static_cast<bool>(tested.passes[index]);
    };
    const RejectionDraw drawn = estimator.draw(tested.log_p, accepts, estimator.limits, random);
    EXPECT_EQ(static_cast<std::size_t>(drawn.tests), tests.size());
    const double weight = std::exp(drawn.log_weight);
    if (weight == 0) continue;
    ASSERT_TRUE(tested.passes[drawn.index]) << "a forbidden token has a weight";
    ++counts[drawn.index];
    sum += weight;
    square += weight * weight;
    sums[drawn.index] += weight;
    squares[drawn.index] += weight * weight;
  }
  expect_mean(sum, square, allowed, "the mean weight");
  std::vector<double> target(size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    if (!tested.passes[i]) continue;
    target[i] = std::exp(tested.log_p[i]) / allowed;
    expect_mean(sums[i], squares[i], std::exp(tested.log_p[i]), "the mean weight of one token");
  }
  const bool never_gives_up = estimator.limits.max_rejects > 6;
  if (never_gives_up) expect_fit(counts, target);
}

TEST(AdaptiveRejection, DrawsAreExactAndWeightsUnbiased) {
  for (const Estimator& estimator : estimators())
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(estimator.name + ", seed " + std::to_string(seed));
      expect_laws(estimator, random_case(seed), seed);
    }
}

TEST(AdaptiveRejection, NothingThatPassesHasNoWeight) {
  const Case tested = random_case(1);
  for (const Estimator& estimator : estimators()) {
    RandomStream random(3, 0, 0);
    const RejectionDraw drawn = estimator.draw(
        tested.log_p, [](std::size_t) { return false; }, estimator.limits, random);
    EXPECT_EQ(drawn.log_weight, -INFINITY) << estimator.name;
  }
}

TEST(AdaptiveRejection, ACertainTokenHasTheWholeWeight) {
  for (const Estimator& estimator : estimators()) {
    RandomStream random(3, 0, 0);
    const std::vector<double> log_p{0.0};
    const RejectionDraw drawn = estimator.draw(
        log_p, [](std::size_t) { return true; }, estimator.limits, random);
    EXPECT_EQ(drawn.index, 0U);
    EXPECT_NEAR(drawn.log_weight, 0, 1e-12) << estimator.name;
    EXPECT_EQ(drawn.tests, 1);
  }
}

// With the best token allowed, the expected tests of the geometric estimator are at most
// 1 + 2 (1 - p) / p, where p is its probability, however many tokens there are.
TEST(AdaptiveRejection, TestsFewTokensOfAPeakedDistribution) {
  for (const double p : {0.7, 0.9, 0.99}) {
    std::vector<double> log_p{std::log(p)};
    for (int i = 0; i < 999; ++i) log_p.push_back(std::log((1 - p) / 999));
    double tests = 0;
    constexpr int kRuns = 5000;
    for (int i = 0; i < kRuns; ++i) {
      RandomStream random(11, i, 0);
      tests += draw_adaptive(
                   log_p, [](std::size_t index) { return index == 0; }, {}, random)
                   .tests;
    }
    EXPECT_LE(tests / kRuns, 1 + 2 * (1 - p) / p + 0.1) << p;
  }
}

}  // namespace
}  // namespace tandem::testing
