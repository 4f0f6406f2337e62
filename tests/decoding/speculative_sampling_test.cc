// Verification by rejection: drafts change how many passes a sample takes and nothing else.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/sampling.h"
#include "decoding/verify.h"
#include "support/chi_square.h"
#include "support/random_case.h"
#include "support/run_search.h"
#include "support/sampled_outputs.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

// Right in most places of `answer`, noise and end tokens elsewhere.
class NoisyDrafter : public Drafter {
 public:
  NoisyDrafter(std::uint64_t seed, Tokens answer, TokenId vocabulary_size)
      : random_(seed), answer_(std::move(answer)), vocabulary_size_(vocabulary_size) {}
  Tokens propose(std::span<const TokenId> output, int limit) override {
    Tokens draft = random_.tokens(0, limit + 2, vocabulary_size_);
    for (std::size_t i = 0; i < draft.size(); ++i)
      if (output.size() + i < answer_.size() && random_.chance(70))
        draft[i] = answer_[output.size() + i];
    return draft;
  }

 private:
  Random random_;
  Tokens answer_;
  TokenId vocabulary_size_;
};

RunResult speculate(const RandomCase& random_case, Tokens answer, std::uint64_t seed) {
  auto drafter =
      std::make_unique<NoisyDrafter>(seed, std::move(answer), random_case.options.vocabulary_size);
  return run(random_case.model, 0, random_case.options,
             std::make_unique<Verify>(random_case.options, std::move(drafter), DraftLength(6),
                                      Acceptance{Verification::rejection}));
}

TEST(SpeculativeSampling, EqualsSamplingForAnyDraft) {
  std::int64_t saved = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    options.seed = seed;
    Random random(seed);
    options.warpers.temperature = random.one_of({0.5, 1.0, 2.0});
    options.warpers.top_k = random.one_of({0, 3, 50});
    options.warpers.top_p = random.one_of({1.0, 0.8});
    const RunResult sample =
        run(random_case.model, 0, options, std::make_unique<Sampling>(options, 1));
    const RunResult drafted = speculate(random_case, sample.best().ids, seed);
    expect_same(sample, drafted);
    EXPECT_LE(drafted.stats.decoder_passes, sample.stats.decoder_passes);
    saved += sample.stats.decoder_passes - drafted.stats.decoder_passes;
  }
  EXPECT_GT(saved, 1000);
}

// Law A21: about 100,000 tokens in 40,000 outputs of three tokens at most.
TEST(SpeculativeSampling, OutputsHaveTheirProbabilities) {
  RandomCase random_case = tiny_case(0, 5, 3);
  SearchOptions& options = random_case.options;
  options.warpers = {.temperature = 1.3, .top_k = 4};
  options.strategy = Sample{};
  std::map<Tokens, std::size_t> places;
  std::vector<double> probabilities;
  for (const auto& [ids, probability] : sampled_outputs(random_case.model, 0, options)) {
    places[ids] = probabilities.size();
    probabilities.push_back(probability);
  }
  std::vector<int> counts(probabilities.size(), 0);
  for (std::uint64_t seed = 0; seed < 40'000; ++seed) {
    options.seed = seed;
    const RunResult drafted = speculate(random_case, {3, 2, 4}, seed);
    ASSERT_EQ(places.count(drafted.best().ids), 1U) << "an output that cannot be drawn";
    ++counts[places[drafted.best().ids]];
  }
  expect_fit(counts, probabilities);
}

}  // namespace
}  // namespace tandem::testing
