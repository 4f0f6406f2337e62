// Ranked sampling: against plain sampling with the same seed, from which its samples come.
#include "decoding/ranked_sampling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

double opinion(const Ids& prefix) {
  std::uint64_t state = 29;
  for (const TokenId token : prefix) state = mix(state ^ static_cast<std::uint64_t>(token));
  return static_cast<double>(state >> 11) * 0x1.0p-53;
}

PrefixScorer by(double (*judge)(const Ids&)) {
  return [judge](std::span<const TokenId>, std::span<const Ids> outputs) {
    std::vector<double> scores;
    for (const Ids& output : outputs) scores.push_back(judge(output));
    return scores;
  };
}

double indifferent(const Ids&) {
  return 1.0;
}

std::vector<Hypothesis> sampled(RandomCase random_case, int count) {
  random_case.options.strategy = Sample{};
  random_case.options.num_return_sequences = count;
  return run(random_case.model, 0, random_case.options).hypotheses;
}

std::vector<Hypothesis> ranked(RandomCase random_case, RankedSampling ranking, int count = 1) {
  random_case.options.strategy = std::move(ranking);
  random_case.options.num_return_sequences = count;
  return run(random_case.model, 0, random_case.options).hypotheses;
}

RandomCase case_with_seed(std::uint64_t seed) {
  RandomCase random_case = mixed_case(seed);
  random_case.options.seed = seed;
  random_case.options.warpers = {.temperature = 1.2, .top_p = 0.95};
  return random_case;
}

TEST(RankedSampling, AnIndifferentScorerTakesTheFirstSample) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = case_with_seed(seed);
    Random random(seed);
    const RankedSampling ranking{by(indifferent), random.number(1, 3), random.number(1, 4),
                                 random.number(1, 5)};
    EXPECT_EQ(ranked(random_case, ranking).front().ids, sampled(random_case, 1).front().ids);
  }
}

TEST(RankedSampling, OnePieceIsSamplingAndReranking) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = case_with_seed(seed);
    std::vector<Hypothesis> samples = sampled(random_case, 8);
    std::stable_sort(samples.begin(), samples.end(),
                     [](const auto& a, const auto& b) { return opinion(a.ids) > opinion(b.ids); });
    const auto found = ranked(random_case, {by(opinion), 3, 8, 100}, 3);
    ASSERT_EQ(found.size(), 3U);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].ids, samples[i].ids);
      EXPECT_EQ(found[i].score, opinion(samples[i].ids));
      EXPECT_EQ(found[i].finish_reason, samples[i].finish_reason);
    }
  }
}

// Whatever is asked about continues one of the outputs that the scorer liked best the time before.
TEST(RankedSampling, OnlyTheBestOfAPieceGoOn) {
  constexpr std::size_t kPiece = 2;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = case_with_seed(seed);
    random_case.options.max_new_tokens = 9;
    const std::size_t prefix = random_case.options.prefix.size();
    std::vector<Ids> kept;
    std::size_t calls = 0;
    const PrefixScorer watching = [&](std::span<const TokenId>, std::span<const Ids> outputs) {
      std::vector<double> scores;
      EXPECT_LE(outputs.size(), 2U * 4U);
      for (const Ids& output : outputs) {
        const bool continues = std::any_of(kept.begin(), kept.end(), [&](const Ids& before) {
          return output.size() >= before.size() &&
                 std::equal(before.begin(), before.end(), output.begin());
        });
        EXPECT_TRUE(calls == 0 || continues);
        EXPECT_LE(output.size(), prefix + (calls + 1) * kPiece);
        scores.push_back(opinion(output));
      }
      std::vector<Ids> best(outputs.begin(), outputs.end());
      std::stable_sort(best.begin(), best.end(),
                       [](const Ids& a, const Ids& b) { return opinion(a) > opinion(b); });
      best.resize(std::min<std::size_t>(best.size(), 2));
      kept = best;
      ++calls;
      return scores;
    };
    const auto found = ranked(random_case, {watching, 2, 4, static_cast<int>(kPiece)}, 2);
    ASSERT_EQ(found.size(), kept.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].ids, kept[i]);
  }
}

TEST(RankedSampling, HoldsAConstraintAndSaysWhenNothingDoes) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    random_case.options.prefix.clear();
    random_case.options.seed = seed;
    random_case.options.constraint = make_trie_constraint({{5, 6, 7}, {5, 8}, {9}});
    for (const Hypothesis& hypothesis : ranked(random_case, {by(opinion), 2, 3, 2}, 2)) {
      if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
      Ids ids = hypothesis.ids;
      if (random_case.options.is_eos(ids.back())) ids.pop_back();
      EXPECT_TRUE(ids == Ids({5, 6, 7}) || ids == Ids({5, 8}) || ids == Ids({9}));
    }
  }
  RandomCase random_case = plain_case(0);
  random_case.options.prefix.clear();
  const auto never = [](const Ids&) -> double { return -INFINITY; };
  EXPECT_EQ(ranked(random_case, {by(never), 2, 3, 2}).front().finish_reason,
            FinishReason::constraint_unsatisfied);
}

}  // namespace
}  // namespace tandem::testing
