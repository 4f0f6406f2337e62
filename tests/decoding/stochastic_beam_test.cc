// Stochastic beam search: a sample without replacement, by enumeration.
#include "decoding/stochastic_beam.h"

#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/chi_square.h"
#include "support/random_case.h"
#include "support/run_search.h"
#include "support/sampled_outputs.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

RandomCase small_case(std::uint64_t seed) {
  RandomCase random_case = tiny_case(seed, 3, 2);
  SearchOptions& options = random_case.options;
  options.strategy = StochasticBeam{};
  return random_case;
}

std::vector<Hypothesis> draw(const RandomCase& random_case, int num_beams, std::uint64_t seed) {
  SearchOptions options = random_case.options;
  options.num_beams = options.num_return_sequences = num_beams;
  options.seed = seed;
  return run(random_case.model, 0, options).hypotheses;
}

struct Outputs {
  std::vector<double> probabilities;
  std::map<Ids, std::size_t> places;
};

Outputs enumerate(const RandomCase& random_case) {
  Outputs outputs;
  for (const auto& [ids, probability] :
       sampled_outputs(random_case.model, 0, random_case.options)) {
    outputs.places[ids] = outputs.probabilities.size();
    outputs.probabilities.push_back(probability);
  }
  return outputs;
}

TEST(StochasticBeam, AsManyBeamsAsOutputsReturnAllOfThemOnce) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = small_case(seed);
    random_case.options.max_new_tokens = 3;
    if (seed % 2 == 1) random_case.options.constraint = make_trie_constraint({{1, 2}, {2}, {2, 2}});
    const Outputs outputs = enumerate(random_case);
    const auto count = static_cast<int>(outputs.probabilities.size());
    std::set<Ids> seen;
    for (const Hypothesis& hypothesis : draw(random_case, count + 3, seed)) {
      EXPECT_EQ(outputs.places.count(hypothesis.ids), 1U);
      EXPECT_TRUE(seen.insert(hypothesis.ids).second) << "an output came twice";
    }
    EXPECT_EQ(seen.size(), outputs.probabilities.size());
  }
}

// The ordered pair (i, j) has the probability p_i p_j / (1 - p_i).
TEST(StochasticBeam, OrderedPairsHaveTheProbabilitiesOfDrawingWithoutReplacement) {
  for (std::uint64_t model_seed = 0; model_seed < 3; ++model_seed) {
    SCOPED_TRACE(model_seed);
    RandomCase random_case = small_case(model_seed);
    if (model_seed == 1) random_case.options.warpers.temperature = 1.5;
    if (model_seed == 2) random_case.options.repetition_penalty = 1.3;
    const Outputs outputs = enumerate(random_case);
    const std::size_t count = outputs.probabilities.size();
    std::vector<double> probabilities(count * count, 0);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j)
        if (i != j)
          probabilities[i * count + j] =
              outputs.probabilities[i] * outputs.probabilities[j] / (1 - outputs.probabilities[i]);
    std::vector<int> counts(count * count, 0);
    for (std::uint64_t seed = 0; seed < 12000; ++seed) {
      const auto pair = draw(random_case, 2, seed);
      ASSERT_EQ(pair.size(), 2U);
      ++counts[outputs.places.at(pair[0].ids) * count + outputs.places.at(pair[1].ids)];
    }
    expect_fit(counts, probabilities);
  }
}

// The score of the first is the largest of all perturbed log-probabilities: Gumbel, about 0.
TEST(StochasticBeam, TheBestScoreIsAGumbelVariableWhateverTheModel) {
  const RandomCase random_case = small_case(5);
  constexpr int kCells = 10;
  std::vector<int> counts(kCells, 0);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const double best = draw(random_case, 2, seed)[0].score;
    const double cumulative = std::exp(-std::exp(-best));
    ++counts[std::min<std::size_t>(static_cast<std::size_t>(kCells * cumulative), kCells - 1)];
  }
  expect_fit(counts, std::vector<double>(kCells, 1.0 / kCells));
}

TEST(StochasticBeam, OutputsAreDistinctAndRankedInAnyMixOfOptions) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    random_case.options.strategy = StochasticBeam{};
    const auto hypotheses = draw(random_case, 5, seed);
    std::set<Ids> seen;
    for (std::size_t i = 0; i < hypotheses.size(); ++i) {
      EXPECT_TRUE(seen.insert(hypotheses[i].ids).second);
      if (i > 0) {
        EXPECT_GE(hypotheses[i - 1].score, hypotheses[i].score);
      }
    }
  }
}

}  // namespace
}  // namespace tandem::testing
