// Hooks on table models, under every kind of search: what they see, and what they change.
#include "decoding/hook_decoder.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decoding/verify.h"
#include "support/all_strategies.h"
#include "support/expect_error.h"
#include "support/hooks.h"
#include "support/random_case.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

// Scores that penalties change or that are normalised anew are rounded in another order: the table
// decoder counts in double precision, hooks leave single precision.
void expect_near(RunResult found, RunResult expected, double tolerance) {
  ASSERT_EQ(found.hypotheses.size(), expected.hypotheses.size());
  for (RunResult* result : {&found, &expected})  // rounding orders particles of the same weight
    if (result->best().weight) std::ranges::sort(result->hypotheses, {}, &Hypothesis::ids);
  for (std::size_t i = 0; i < found.hypotheses.size(); ++i) {
    EXPECT_EQ(found.hypotheses[i].ids, expected.hypotheses[i].ids);
    EXPECT_EQ(found.hypotheses[i].token_log_probs, expected.hypotheses[i].token_log_probs);
    EXPECT_NEAR(found.hypotheses[i].score, expected.hypotheses[i].score, tolerance);
  }
}

TEST(Hook, ThatChangesNothingIsNoHookBitForBit) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const RandomCase random_case = plain_case(seed);
    for (const auto& [name, options] : every_strategy(random_case.options, seed)) {
      SCOPED_TRACE(name + ", seed " + std::to_string(seed));
      const RunResult plain = run_hooked(random_case.model, options, nullptr);
      const RunResult hooked = run_hooked(random_case.model, options, std::make_shared<Idle>());
      if (options.renormalize)
        expect_near(hooked, plain, 1e-5);
      else
        expect_same(hooked, plain);
      EXPECT_EQ(hooked.stats.decoder_passes, plain.stats.decoder_passes);
    }
  }
}

TEST(Hook, ThatChangesNothingLeavesPenaltiesBansAndForcedTokensWork) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const RandomCase random_case = mixed_case(seed);
    for (const auto& [name, options] : every_strategy(random_case.options, seed)) {
      SCOPED_TRACE(name + ", seed " + std::to_string(seed));
      expect_near(run_hooked(random_case.model, options, std::make_shared<Idle>()),
                  run_hooked(random_case.model, options, nullptr), 1e-4);
    }
  }
}

TEST(Hook, ThatAddsToTokensIsSequenceBiasAndThatForbidsIsSuppression) {
  const auto bias =
      std::make_shared<Bias>(std::map<TokenId, float>{{5, 1.5F}, {7, -2.0F}, {9, -INFINITY}});
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const RandomCase random_case = plain_case(seed);
    for (const auto& [name, options] : every_strategy(random_case.options, seed)) {
      SCOPED_TRACE(name + ", seed " + std::to_string(seed));
      SearchOptions biased = options;
      biased.sequence_bias = {{{5}, 1.5}, {{7}, -2.0}};
      biased.suppress_tokens = {9};
      expect_near(run_hooked(random_case.model, options, bias),
                  run_hooked(random_case.model, biased, nullptr), 1e-5);
    }
  }
}

// Contrastive search looks at hidden states too, which no hook changes.
TEST(Hook, ThatWritesAnotherModelsScoresGivesThatModelsOutputs) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const RandomCase random_case = plain_case(seed);
    TableModel other = random_case.model;
    other.seed += 1000;
    const auto impostor = std::make_shared<Impostor>(other, 0, random_case.options.start_token);
    for (const auto& [name, options] : every_strategy(random_case.options, seed)) {
      if (name == "contrastive") continue;
      SCOPED_TRACE(name + ", seed " + std::to_string(seed));
      const RunResult expected = run_hooked(other, options, nullptr);
      const RunResult found = run_hooked(random_case.model, options, impostor);
      ASSERT_EQ(found.hypotheses.size(), expected.hypotheses.size());
      for (std::size_t i = 0; i < found.hypotheses.size(); ++i)
        EXPECT_EQ(found.hypotheses[i].ids, expected.hypotheses[i].ids);
    }
  }
}

TEST(Hook, WorksOverMixturesOfSourcesModelsAndCopies) {
  const auto bias = std::make_shared<Bias>(std::map<TokenId, float>{{5, 1.5F}, {9, -INFINITY}});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RandomCase random_case = plain_case(seed);
    for (const auto& [name, options] : every_strategy(random_case.options, seed)) {
      if (name == "contrastive") continue;  // mixtures have no hidden states
      SearchOptions biased = options;
      biased.sequence_bias = {{{5}, 1.5}};
      biased.suppress_tokens = {9};
      for (const RowsOf rows : {RowsOf::weighted_mean, RowsOf::geometric_mean, RowsOf::copying}) {
        SCOPED_TRACE(name + ", seed " + std::to_string(seed) + ", rows " +
                     std::to_string(static_cast<int>(rows)));
        const auto run = [&](const SearchOptions& each, std::shared_ptr<const LogitsHook> hook) {
          return run_hooked(random_case.model, each, std::move(hook), rows);
        };
        expect_same(run(options, std::make_shared<Idle>()), run(options, nullptr));
        expect_near(run(options, bias), run(biased, nullptr), 1e-5);
      }
    }
  }
}

// Drafts noise and parts of `answer`.
class NoisyDrafter : public Drafter {
 public:
  NoisyDrafter(std::uint64_t seed, Tokens answer, TokenId vocabulary_size)
      : random_(seed), answer_(std::move(answer)), vocabulary_size_(vocabulary_size) {}

  Tokens propose(std::span<const TokenId> output, int limit) override {
    Tokens draft;
    for (int i = random_.number(0, limit); i > 0; --i) {
      const std::size_t at = output.size() + draft.size();
      draft.push_back(random_.chance(80) && at < answer_.size()
                          ? answer_[at]
                          : random_.number(0, vocabulary_size_ - 1));
    }
    return draft;
  }

 private:
  Random random_;
  Tokens answer_;
  TokenId vocabulary_size_;
};

TEST(Hook, SeesAtEachCallTheHypothesisReplayedFromItsBeginning) {
  std::size_t calls_of_all = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const RandomCase random_case = mixed_case(seed);
    std::vector<NamedSearch> searches = every_strategy(random_case.options, seed);
    const std::size_t plain = searches.size();
    searches.insert(searches.end(), {{"mixture", searches[5].options},
                                     {"ensemble", searches[5].options},
                                     {"copy_mixture", searches[5].options}});
    std::vector<Histories> calls(searches.size()), asked;
    std::vector<Hooked> sentences;
    for (std::size_t i = 0; i < searches.size(); ++i)
      sentences.push_back({searches[i].options, std::make_shared<Moody>(&calls[i]), nullptr});
    sentences[plain].rows = RowsOf::weighted_mean;
    sentences[plain + 1].rows = RowsOf::geometric_mean;
    sentences[plain + 2].rows = RowsOf::copying;
    // Verification rolls back what was drafted in vain.
    sentences[1].search =
        std::make_unique<Verify>(searches[1].options,
                                 std::make_unique<NoisyDrafter>(seed, Tokens{4, 5, 6, 7, 8},
                                                                random_case.model.vocabulary_size),
                                 DraftLength(4));
    run_hooked(random_case.model, std::move(sentences), &asked);
    for (std::size_t i = 0; i < searches.size(); ++i) {
      EXPECT_EQ(calls[i], asked[i]) << searches[i].name << ", seed " << seed;
      calls_of_all += calls[i].size();
    }
  }
  EXPECT_GT(calls_of_all, 10'000U);
}

TEST(Hook, AggressiveDecodingIsGreedyForAnyDraft) {
  std::int64_t accepted = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    const RunResult greedy =
        run_hooked(random_case.model, random_case.options, std::make_shared<Moody>(nullptr));
    auto drafter =
        std::make_unique<NoisyDrafter>(seed, greedy.best().ids, random_case.model.vocabulary_size);
    std::vector<Hooked> one;
    one.push_back(
        {random_case.options, std::make_shared<Moody>(nullptr),
         std::make_unique<Verify>(random_case.options, std::move(drafter), DraftLength(5))});
    const RunResult drafted = std::move(run_hooked(random_case.model, std::move(one)).front());
    expect_same(drafted, greedy);
    accepted += drafted.stats.accepted_tokens;
  }
  EXPECT_GT(accepted, 300);
}

TEST(Hook, OfOneSentenceDoesNotTouchItsNeighbours) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    random_case.options.strategy = Beam{};
    std::vector<Hooked> three(3);
    for (Hooked& each : three) each.options = random_case.options;
    three[1].hook = std::make_shared<Moody>(nullptr);
    const auto together = run_hooked(random_case.model, std::move(three));
    expect_same(together[0], run(random_case.model, 0, random_case.options));
    expect_same(together[2], run(random_case.model, 2, random_case.options));
  }
}

struct Faulty : Idle {
  float value = 0;
  explicit Faulty(float score) : value(score) {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Faulty>(*this); }
  void change(std::span<float> scores) const override {
    if (value == 0) throw std::runtime_error("no scores today");
    scores[6] = value;
  }
};

TEST(Hook, WhatItThrowsAndScoresThatAreNoneAreErrors) {
  const RandomCase random_case = plain_case(3);
  for (const float value : {NAN, INFINITY})
    expect_error(
        [&] {
          run_hooked(random_case.model, random_case.options, std::make_shared<Faulty>(value));
        },
        ErrorCode::invalid_argument, "token 6");
  expect_error(
      [&] { run_hooked(random_case.model, random_case.options, std::make_shared<Faulty>(0.0F)); },
      ErrorCode::invalid_argument, "no scores today");
}

}  // namespace
}  // namespace tandem::testing
