// The law of aggressive decoding: whatever is drafted, the output is that of greedy search.
#include "decoding/verify.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/huggingface_oracle.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

RunResult run_greedy(const RandomCase& random_case, int sentence) {
  return run(random_case.model, sentence, random_case.options);
}

// Drafts what nobody should: parts of the answer, noise, end tokens, ids that do not exist, drafts
// longer than asked for.
class AdversarialDrafter : public Drafter {
 public:
  AdversarialDrafter(std::uint64_t seed, std::vector<TokenId> answer, TokenId vocabulary_size)
      : random_(seed), answer_(std::move(answer)), vocabulary_size_(vocabulary_size) {}

  std::vector<TokenId> propose(std::span<const TokenId> output, int limit) override {
    std::vector<TokenId> draft;
    if (random_.chance(10)) return draft;
    const int length = random_.chance(20) ? limit + 5 : random_.number(0, limit);
    for (int i = 0; i < length; ++i) {
      const std::size_t at = output.size() + draft.size();
      if (random_.chance(75) && at < answer_.size())
        draft.push_back(answer_[at]);
      else if (random_.chance(10))
        draft.push_back(random_.one_of<TokenId>({kEos, -1, -100, vocabulary_size_, 1 << 30}));
      else
        draft.push_back(random_.number(0, vocabulary_size_ - 1));
    }
    return draft;
  }

 private:
  Random random_;
  std::vector<TokenId> answer_;
  TokenId vocabulary_size_;
};

TEST(Verify, WithoutADraftIsHuggingFaceGreedyForAnyMixOfOptions) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    const RunResult result = run_greedy(random_case, 1);
    const auto expected = HuggingFaceOracle(random_case.model, 1, random_case.options).greedy();
    if (!expected) {
      EXPECT_EQ(result.best().finish_reason, FinishReason::constraint_unsatisfied);
      continue;
    }
    EXPECT_EQ(result.best().ids, *expected);
    const bool ended = random_case.options.is_eos(result.best().ids.back());
    EXPECT_EQ(result.best().finish_reason, ended ? FinishReason::eos : FinishReason::length);
  }
}

// Law A1.
TEST(Verify, EqualsGreedyForAnyDraft) {
  for (std::uint64_t seed = 0; seed < 1200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    random_case.model.has_ties = seed % 3 == 0;
    const RunResult greedy = run_greedy(random_case, 2);
    auto drafter = std::make_unique<AdversarialDrafter>(seed, greedy.best().ids,
                                                        random_case.options.vocabulary_size);
    const int max_draft = Random(seed).one_of({1, 3, 8, 1000});
    const RunResult drafted = run(
        random_case.model, 2, random_case.options,
        std::make_unique<Verify>(random_case.options, std::move(drafter), DraftLength(max_draft)));
    expect_same(greedy, drafted);
    EXPECT_LE(drafted.stats.decoder_passes, greedy.stats.decoder_passes);
    EXPECT_LE(drafted.stats.accepted_tokens, drafted.stats.draft_tokens);
    EXPECT_EQ(drafted.stats.decoder_passes + drafted.stats.accepted_tokens,
              greedy.stats.decoder_passes);
  }
}

TEST(Verify, MarianProfileIsGreedyOverLogProbabilitiesWithItsOwnScore) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    SearchOptions& options = random_case.options;
    options.profile = Profile::marian;
    options.start_token = -1;
    options.prefix.clear();
    options.suppress_tokens = {5};  // the unknown token
    options.word_penalty = 0.25;
    options.length_penalty = 0.5;
    const Hypothesis best = run_greedy(random_case, 0).best();
    EXPECT_THAT(best.ids, ::testing::Not(::testing::Contains(5)));
    const auto length = static_cast<double>(best.ids.size());
    EXPECT_NEAR(best.score, (best.sum_log_prob - 0.25 * length) / std::sqrt(length), 1e-9);
  }
}

// Laws A1 and A3 with lengths that follow costs: they change passes, never tokens.
TEST(Verify, EqualsGreedyForAnyDraftWhoseLengthFollowsCosts) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    const RunResult greedy = run_greedy(random_case, 2);
    Random random(seed);
    const auto costs = std::make_shared<const PassCosts>(std::vector<PassCosts::Point>{
        {1, 1}, {4, 1 + random.number(0, 30) * 0.1}, {16, 1 + random.number(0, 150) * 0.1}});
    auto drafter = std::make_unique<AdversarialDrafter>(seed, greedy.best().ids,
                                                        random_case.options.vocabulary_size);
    const DraftLength length(costs, random.one_of({0.0, 0.1}));
    const RunResult drafted =
        run(random_case.model, 2, random_case.options,
            std::make_unique<Verify>(random_case.options, std::move(drafter), length));
    expect_same(greedy, drafted);
    EXPECT_LE(drafted.stats.decoder_passes, greedy.stats.decoder_passes);
  }
}

std::unique_ptr<Search> relaxed(const SearchOptions& options, std::unique_ptr<Drafter> drafter,
                                Acceptance acceptance) {
  return std::make_unique<Verify>(options, std::move(drafter), DraftLength(8), acceptance);
}

// Law A5, the part where relaxed verification is exact.
TEST(Verify, RelaxedWithOneBestOrNoGapEqualsGreedy) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    const RunResult greedy = run_greedy(random_case, 2);
    for (const Acceptance acceptance :
         {Acceptance{Verification::relaxed, 1, 3.0}, Acceptance{Verification::relaxed, 5, 0.0}}) {
      auto drafter = std::make_unique<AdversarialDrafter>(seed, greedy.best().ids,
                                                          random_case.options.vocabulary_size);
      expect_same(greedy, run(random_case.model, 2, random_case.options,
                              relaxed(random_case.options, std::move(drafter), acceptance)));
    }
  }
}

// Law A5: each token of the output, looked up in the row of scores that it was chosen from, is
// among the best and near the best; one that was not drafted is the best.
TEST(Verify, RelaxedOutputsStayWithinTheTolerance) {
  std::int64_t tolerated = 0, ended_early = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    options.prefix.clear();
    options.eos_tokens = {kEos};
    Random random(seed);
    const Acceptance tolerance{Verification::relaxed, random.number(2, 6),
                               random.one_of({0.3, 1.0, 3.0})};
    auto drafter =
        std::make_unique<AdversarialDrafter>(seed, std::vector<TokenId>{}, options.vocabulary_size);
    const Hypothesis best =
        run(random_case.model, 2, options, relaxed(options, std::move(drafter), tolerance)).best();

    const ProcessorChain chain(options, ScoreSpace::logits, options.vocabulary_size);
    Path path = Path::start(options).path;
    for (const TokenId token : best.ids) {
      const auto ranked = answer(chain.query(path), random_case.model.logits(2, path.history));
      const auto place =
          std::find_if(ranked.begin(), ranked.end(),
                       [&](const Candidate& candidate) { return candidate.token == token; });
      ASSERT_NE(place, ranked.end());
      EXPECT_LT(place - ranked.begin(), tolerance.top_beta);
      EXPECT_LE(ranked.front().score - place->score, tolerance.tau);
      tolerated += place != ranked.begin() ? 1 : 0;
      path.append(options, token);
      const bool is_last = path.generated(options) == static_cast<int>(best.ids.size());
      EXPECT_EQ(path.ended(options), is_last && best.finish_reason == FinishReason::eos);
      if (path.ended(options) && place != ranked.begin()) ++ended_early;
    }
  }
  EXPECT_GT(tolerated, 100);
  EXPECT_GT(ended_early, 10);  // a drafted end token may be accepted
}

// A correction is the best token, and so is every token where nothing was drafted.
TEST(Verify, RelaxedCorrectionsAreTheBest) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    expect_same(run_greedy(random_case, 0),
                run(random_case.model, 0, random_case.options,
                    relaxed(random_case.options, nullptr, {Verification::relaxed, 5, 3.0})));
  }
}

// Law A3.
TEST(Verify, ACorrectDraftOfTheWholeOutputNeedsOnePass) {
  RandomCase random_case = plain_case(4);
  random_case.options.max_new_tokens = 12;
  const RunResult greedy = run_greedy(random_case, 0);
  class Oracle : public Drafter {
   public:
    explicit Oracle(std::vector<TokenId> answer) : answer_(std::move(answer)) {}
    std::vector<TokenId> propose(std::span<const TokenId> output, int) override {
      return {answer_.begin() + static_cast<std::ptrdiff_t>(output.size()), answer_.end()};
    }

   private:
    std::vector<TokenId> answer_;
  };
  const RunResult drafted =
      run(random_case.model, 0, random_case.options,
          std::make_unique<Verify>(random_case.options, std::make_unique<Oracle>(greedy.best().ids),
                                   DraftLength(100)));
  expect_same(greedy, drafted);
  EXPECT_EQ(drafted.stats.decoder_passes, 1);
}

}  // namespace
}  // namespace tandem::testing
