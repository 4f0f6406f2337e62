// Attribution by replacement on a toy model whose prediction rests on known tokens.
#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/attribution.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

const Tokens kSource{10, 11, 12, 13, 14, 15, 16, 17, 2};
const std::vector<std::size_t> kPlaces{0, 1, 2, 3, 4, 5, 6, 7};

// The target is sure while the tokens at `places` are the source's, and improbable otherwise.
SourceScorer rests_on(std::vector<std::size_t> places, int* sources_scored = nullptr) {
  return [=](std::span<const Tokens> sources) {
    std::vector<TargetPlace> found;
    for (const Tokens& source : sources) {
      const bool is_there = std::all_of(places.begin(), places.end(), [&](std::size_t place) {
        return source[place] == kSource[place];
      });
      found.push_back(is_there ? TargetPlace{0.9, 1} : TargetPlace{0.05, 7});
      EXPECT_EQ(source.back(), kSource.back()) << "what is not replaceable was replaced";
    }
    if (sources_scored != nullptr) *sources_scored += static_cast<int>(sources.size());
    return found;
  };
}

TokenId other_token(std::size_t, double uniform) {
  return 20 + static_cast<TokenId>(uniform * 50);
}

std::size_t most_important(const Attribution& found) {
  return static_cast<std::size_t>(
      std::max_element(found.importance.begin(), found.importance.end()) -
      found.importance.begin());
}

TEST(Attribution, TheOnlyTokenThatCountsIsTheMostImportant) {
  for (std::size_t place = 0; place < kPlaces.size(); ++place) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(testing::Message() << "place " << place << ", seed " << seed);
      AttributionOptions options;
      options.seed = seed;
      const Attribution found =
          attribute_by_replacement(kSource, kPlaces, rests_on({place}), other_token, options);
      EXPECT_EQ(most_important(found), place);
      EXPECT_TRUE(found.is_sufficient);
      EXPECT_NEAR(std::accumulate(found.importance.begin(), found.importance.end(), 0.0), 1.0,
                  1e-12);
      EXPECT_EQ(found.importance.back(), 0.0);
      EXPECT_EQ(found.ids, kSource);
    }
  }
}

TEST(Attribution, TwoTokensThatCountTogetherAreTheTwoMostImportant) {
  AttributionOptions options;
  options.kept = 0.25;  // two of eight
  options.max_trials = 512;
  const Attribution found =
      attribute_by_replacement(kSource, kPlaces, rests_on({1, 6}), other_token, options);
  EXPECT_TRUE(found.is_sufficient);
  for (const std::size_t place : {0, 2, 3, 4, 5, 7})
    EXPECT_LT(found.importance[place], std::min(found.importance[1], found.importance[6]));
}

TEST(Attribution, ASeedGivesTheSameAnswerAndAnotherSeedOtherTrials) {
  AttributionOptions options;
  options.trials_per_check = 4;
  const auto run = [&] {
    return attribute_by_replacement(kSource, kPlaces, rests_on({3}), other_token, options);
  };
  const Attribution first = run();
  EXPECT_EQ(run().importance, first.importance);
  options.seed = 1;
  EXPECT_NE(run().importance, first.importance);
}

TEST(Attribution, TheCostIsOneSourceForEachTrialAndEachCheck) {
  AttributionOptions options;
  options.max_trials = 70;
  int scored = 0;
  const Attribution found = attribute_by_replacement(
      kSource, kPlaces, rests_on({0, 1, 2, 3, 4, 5, 6, 7}, &scored), other_token, options);
  EXPECT_FALSE(found.is_sufficient);  // all tokens count, and 30 % of them never suffice
  EXPECT_EQ(found.trials, 70);
  EXPECT_EQ(scored, 1 + 70 + 3);
}

TEST(Attribution, BadArgumentsAreErrors) {
  const auto run = [](const AttributionOptions& options, std::vector<std::size_t> places) {
    attribute_by_replacement(kSource, places, rests_on({0}), other_token, options);
  };
  expect_error([&] { run({}, {}); }, ErrorCode::invalid_argument, "no token");
  expect_error([&] { run({}, {9}); }, ErrorCode::invalid_argument, "place 9 of 9");
  AttributionOptions options;
  options.replaced = 0;
  expect_error([&] { run(options, kPlaces); }, ErrorCode::invalid_argument, "replaced");
  options = {};
  options.max_trials = 0;
  expect_error([&] { run(options, kPlaces); }, ErrorCode::invalid_argument, "max_trials");
}

}  // namespace
}  // namespace tandem
