// Rankings, confidences and statistics made of scores, against transcriptions by hand.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/scorer.h>

#include "support/expect_error.h"
#include "support/random_case.h"

namespace tandem::testing {
namespace {

using Items = std::vector<std::size_t>;

TEST(RankInWindows, IsAPermutationWithTheStatedNumberOfWindows) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const auto count = static_cast<std::size_t>(random.number(0, 60));
    WindowOptions options;
    options.window = static_cast<std::size_t>(random.number(1, 25));
    options.step = static_cast<std::size_t>(random.number(1, static_cast<int>(options.window)));
    std::size_t windows = 0;
    Items order = rank_in_windows(count, options, [&](std::span<const std::size_t> items) {
      ++windows;
      EXPECT_EQ(items.size(), std::min(count, options.window));
      std::vector<double> scores;
      for (const std::size_t item : items) scores.push_back(static_cast<double>(mix(item + seed)));
      return scores;
    });
    const std::size_t moves =
        count > options.window ? (count - options.window + options.step - 1) / options.step : 0;
    EXPECT_EQ(windows, count == 0 ? 0 : 1 + moves);
    std::sort(order.begin(), order.end());
    Items all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    EXPECT_EQ(order, all);
  }
}

TEST(RankInWindows, AHundredItemsAreNineWindowsAndTheBestTravelToTheFront) {
  int windows = 0;
  const Items order = rank_in_windows(100, {20, 10}, [&](std::span<const std::size_t> items) {
    ++windows;
    return std::vector<double>(items.begin(), items.end());  // the last item is the best
  });
  EXPECT_EQ(windows, 9);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(order[i], 99 - i);
}

TEST(RankInWindows, OneWindowIsASortThatKeepsEquals) {
  const std::vector<double> scores{1, 3, 3, -INFINITY, 2};
  EXPECT_EQ(rank_in_windows(5, {}, [&](auto) { return scores; }), (Items{1, 2, 4, 0, 3}));
  expect_error(
      [] {
        rank_in_windows(5, {4, 5}, [](auto) { return std::vector<double>(); });
      },
      ErrorCode::invalid_argument, "step");
  expect_error([] { rank_in_windows(5, {}, [](auto) { return std::vector<double>(4); }); },
               ErrorCode::invalid_argument, "4 scores");
  expect_error([] { rank_in_windows(1, {}, [](auto) { return std::vector<double>{NAN}; }); },
               ErrorCode::invalid_argument, "NaN");
}

TEST(RankByWeightedSum, AddsColumnsAsTheyAreOrStandardized) {
  const std::vector<ScoreColumn> columns{{{-10, -12, -30}, 0.3}, {{0.1, 0.9, 0.8}, 0.7}};
  // 0.3 * -10 + 0.07, 0.3 * -12 + 0.63, 0.3 * -30 + 0.56
  EXPECT_EQ(rank_by_weighted_sum(columns), (Items{0, 1, 2}));
  // Standardized by hand: 0.82, 0.59, -1.41 and -1.40, 0.84, 0.56.
  EXPECT_EQ(rank_by_weighted_sum(columns, true), (Items{1, 2, 0}));
  EXPECT_EQ(rank_by_weighted_sum(std::vector<ScoreColumn>{{{5, 5, 5}, 1}}, true), (Items{0, 1, 2}));
  expect_error(
      [] {
        rank_by_weighted_sum(std::vector<ScoreColumn>{{{1}, 1}, {{1, 2}, 1}});
      },
      ErrorCode::invalid_argument, "2 scores");
}

std::vector<CalibrationExample> random_examples(std::uint64_t seed) {
  Random random(seed);
  std::vector<CalibrationExample> examples;
  for (int i = 0; i < 400; ++i) {
    CalibrationExample example;
    example.label = std::to_string(random.number(0, 5) * random.number(0, 2));
    example.score = -random.number(0, 1000) / 200.0;
    example.prior = -random.number(0, 1000) / 100.0;
    const double p = 1 / (1 + std::exp(-(1.5 * example.score - 0.4 * example.prior + 1)));
    example.is_correct = random.number(0, 9999) < 10000 * p;
    examples.push_back(example);
  }
  return examples;
}

TEST(Calibration, IsTheSigmoidOfTheWeightedScoreAndPrior) {
  Calibration calibration;
  EXPECT_NEAR(calibration.confidence("any", -0.7, -3), 1 / (1 + std::exp(0.7)), 1e-12);
  calibration.set("city", {2, -0.5, 1});
  calibration.set("person", {1, 0.25, -1});
  EXPECT_NEAR(calibration.confidence("city", -0.7, -3), 1 / (1 + std::exp(1.4 - 1.5 - 1)), 1e-12);
  calibration.unseen = calibration.weights("person");
  EXPECT_NEAR(calibration.confidence("river", -0.7, -2), 1 / (1 + std::exp(0.7 + 0.5 + 1)), 1e-12);
  EXPECT_EQ(calibration.confidence("city", -INFINITY, 0), 0);
}

// At the maximum of the likelihood the confidences of a group agree with what was right: their
// errors sum to 0, also weighted by either feature.
TEST(Calibration, FitMeetsTheConditionsOfAMaximumInEveryGroup) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const auto examples = random_examples(seed);
    const std::vector<std::size_t> limits{10, 40};
    const Calibration calibration = Calibration::fit(examples, limits);
    std::map<std::vector<double>, std::array<double, 3>> errors;  // by weights, which tell groups
    for (const CalibrationExample& example : examples) {
      const CalibrationWeights& w = calibration.weights(example.label);
      const double error = (example.is_correct ? 1 : 0) -
                           calibration.confidence(example.label, example.score, example.prior);
      auto& sums = errors[{w.score, w.prior, w.bias}];
      sums[0] += error;
      sums[1] += error * example.score;
      sums[2] += error * example.prior;
    }
    EXPECT_GT(errors.size(), 1U);
    for (const auto& [weights, sums] : errors)
      for (const double sum : sums) EXPECT_NEAR(sum, 0, 1e-4);
  }
}

TEST(Calibration, AGroupOfOneKindJoinsTheNext) {
  std::vector<CalibrationExample> examples;
  for (int i = 0; i < 6; ++i) examples.push_back({"rare", -1.0 - i, -2, false});
  for (int i = 0; i < 6; ++i) examples.push_back({"often", -1.0 - i, -2, i != 2});
  const Calibration calibration = Calibration::fit(examples, std::vector<std::size_t>{2});
  EXPECT_EQ(calibration.weights("rare").bias, calibration.weights("often").bias);
  EXPECT_EQ(calibration.weights("never seen").score, 1);
  expect_error(
      [] {
        Calibration::fit(std::vector<CalibrationExample>{{"a", -1, -1, true}});
      },
      ErrorCode::invalid_argument, "wrong");
}

// A second transcription of the paper's procedure, with another order of loops.
double transcribed_entropy_spread(const std::vector<float>& series, int window, double bins_factor,
                                  int scales) {
  const int n = static_cast<int>(series.size());
  const auto bins = static_cast<int>(std::lround(bins_factor * n));
  std::vector<double> entropies;
  for (int tau = 1; tau <= scales; ++tau) {
    std::vector<int> counts(static_cast<std::size_t>(bins), 0);
    int total = 0;
    const auto average = [&](int i) {
      return std::accumulate(series.begin() + i, series.begin() + i + tau, 0.0) / tau;
    };
    for (int i = 0; i + 1 + window <= n - tau + 1; ++i) {
      double ab = 0, aa = 0, bb = 0;
      for (int j = 0; j < window; ++j) {
        ab += average(i + j) * average(i + j + 1);
        aa += average(i + j) * average(i + j);
        bb += average(i + j + 1) * average(i + j + 1);
      }
      const auto bin = static_cast<int>((ab / std::sqrt(aa * bb) + 1) * bins / 2);
      ++counts[static_cast<std::size_t>(std::min(bin, bins - 1))];
      ++total;
    }
    double entropy = 0;
    for (const int count : counts)
      if (count > 0) entropy -= count * std::log(static_cast<double>(count) / total) / total;
    entropies.push_back(entropy / std::log(bins));
  }
  double mean = 0, squares = 0;
  for (const double entropy : entropies) mean += entropy / scales;
  for (const double entropy : entropies) squares += std::pow(entropy - mean, 2);
  return std::sqrt(squares / (scales - 1));
}

TEST(Lastde, AgreesWithASecondTranscription) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<float> series(static_cast<std::size_t>(random.number(12, 80)));
    for (float& value : series) value = -static_cast<float>(random.number(1, 5000)) / 700;
    const double expected = transcribed_entropy_spread(series, 3, 10, 5);
    EXPECT_NEAR(multiscale_diversity_entropy(series), expected, 1e-9);
    const double mean =
        std::accumulate(series.begin(), series.end(), 0.0) / static_cast<double>(series.size());
    EXPECT_NEAR(lastde(series), mean / expected, 1e-6);
    EXPECT_NEAR(multiscale_diversity_entropy(series, {4, 1, 3}),
                transcribed_entropy_spread(series, 4, 1, 3), 1e-9);
  }
}

TEST(Lastde, AConstantSeriesHasNoDiversityAndAShortOneIsRefused) {
  EXPECT_EQ(lastde(std::vector<float>(20, -1.0F)), -INFINITY);
  expect_error([] { lastde(std::vector<float>(7, -1.0F)); }, ErrorCode::invalid_argument,
               "7 values");
}

}  // namespace
}  // namespace tandem::testing
