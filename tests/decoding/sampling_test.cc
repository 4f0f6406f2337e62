// Sampling: frequencies against enumeration, and what a seed promises.
#include "decoding/sampling.h"

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chi_square.h"
#include "support/random_case.h"
#include "support/run_search.h"
#include "support/sampled_outputs.h"

namespace tandem::testing {
namespace {

RandomCase small_case(std::uint64_t seed) {
  RandomCase random_case = tiny_case(seed, 5, 3);
  SearchOptions& options = random_case.options;
  options.strategy = Sample{};
  options.seed = seed;
  return random_case;
}

std::vector<Hypothesis> sample(const RandomCase& random_case, int num_samples) {
  return run(random_case.model, 0, random_case.options,
             std::make_unique<Sampling>(random_case.options, num_samples))
      .hypotheses;
}

std::vector<std::vector<TokenId>> ids_of(const std::vector<Hypothesis>& hypotheses) {
  std::vector<std::vector<TokenId>> ids;
  for (const Hypothesis& hypothesis : hypotheses) ids.push_back(hypothesis.ids);
  return ids;
}

void expect_frequencies(const RandomCase& random_case) {
  const auto outputs = sampled_outputs(random_case.model, 0, random_case.options);
  std::map<std::vector<TokenId>, std::size_t> places;
  std::vector<double> probabilities;
  for (const auto& [ids, probability] : outputs) {
    places[ids] = probabilities.size();
    probabilities.push_back(probability);
  }
  std::vector<int> counts(probabilities.size(), 0);
  for (const Hypothesis& hypothesis : sample(random_case, 8000)) {
    ASSERT_EQ(places.count(hypothesis.ids), 1U) << "an output that cannot be drawn";
    ++counts[places[hypothesis.ids]];
  }
  expect_fit(counts, probabilities);
}

TEST(Sampling, OutputsHaveTheirProbabilities) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    expect_frequencies(small_case(seed));
  }
}

TEST(Sampling, WarpersAndPenaltiesShapeTheProbabilities) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = small_case(seed);
    random_case.options.warpers = {.temperature = 1.5, .top_k = 4, .top_p = 0.95};
    random_case.options.repetition_penalty = 1.4;
    random_case.options.sequence_bias = {{{2}, 0.5}, {{1, 3}, -1.0}};
    expect_frequencies(random_case);
  }
}

TEST(Sampling, ASampleDoesNotDependOnHowManyAreDrawn) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    const auto many = ids_of(sample(random_case, 7));
    auto few = ids_of(sample(random_case, 3));
    ASSERT_EQ(many.size(), 7U);
    for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i], many[i]);
  }
}

TEST(Sampling, AnotherSeedGivesOtherSamples) {
  RandomCase random_case = plain_case(1);
  random_case.model.sharpness = 1;
  random_case.options.max_new_tokens = 12;
  const auto first = ids_of(sample(random_case, 20));
  ++random_case.options.seed;
  EXPECT_NE(first, ids_of(sample(random_case, 20)));
}

TEST(Sampling, OneChoiceOnlyIsGreedy) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    const RunResult greedy = run(random_case.model, 0, random_case.options);
    random_case.options.warpers.top_k = 1;
    EXPECT_EQ(sample(random_case, 1)[0].ids, greedy.best().ids);
  }
}

TEST(Sampling, ConstrainedSamplesMeetTheConstraintWithRenormalisedProbabilities) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = small_case(seed);
    random_case.options.constraint = make_trie_constraint({{1, 2}, {1, 4}, {3}, {}});
    expect_frequencies(random_case);
  }
}

TEST(Sampling, ASampleThatCannotMeetTheConstraintIsLeftOut) {
  RandomCase random_case = small_case(0);
  random_case.options.max_new_tokens = 2;
  random_case.options.constraint = make_trie_constraint({{1, 2, 3}, {4}});
  const auto samples = sample(random_case, 200);
  EXPECT_LT(samples.size(), 200U);
  for (const Hypothesis& hypothesis : samples)
    EXPECT_EQ(hypothesis.ids, (std::vector<TokenId>{4, kEos}));
  random_case.options.constraint = make_trie_constraint({{1, 2, 3}});
  const auto none = sample(random_case, 20);
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none[0].finish_reason, FinishReason::constraint_unsatisfied);
}

TEST(Sampling, TheScoreIsTheModelsOwnSum) {
  RandomCase random_case = mixed_case(4);
  random_case.options.prefix.clear();
  random_case.options.warpers = {.temperature = 3.0, .top_p = 0.8};
  for (const Hypothesis& hypothesis : sample(random_case, 10))
    EXPECT_NEAR(hypothesis.score, hypothesis.sum_log_prob, 1e-9);
}

TEST(Sampling, AllSamplesShareTheFirstRow) {
  const RandomCase random_case = small_case(0);
  const Sampling search(random_case.options, 9);
  EXPECT_EQ(search.rows().size(), 1U);
}

}  // namespace
}  // namespace tandem::testing
