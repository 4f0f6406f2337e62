// Hooks on table models, under every kind of search: what they see, and what they change.
#include "decoding/hook_decoder.h"

#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/verify.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;
using Histories = std::vector<Tokens>;

struct Idle : LogitsHook {
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Idle>(); }
  void advance(TokenId) override {}
  void change(std::span<float>) const override {}
};

// Adds to the scores of given tokens.
struct Bias : LogitsHook {
  std::map<TokenId, float> added;
  explicit Bias(std::map<TokenId, float> values) : added(std::move(values)) {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Bias>(*this); }
  void advance(TokenId) override {}
  void change(std::span<float> scores) const override {
    for (const auto& [token, value] : added) scores[static_cast<std::size_t>(token)] += value;
  }
};

// Remembers its hypothesis, writes it down at each call, and pushes the scores about by a hash of
// it, so that hypotheses overtake each other.
struct Moody : LogitsHook {
  Tokens history;
  Histories* calls;
  explicit Moody(Histories* where) : calls(where) {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Moody>(*this); }
  void advance(TokenId token) override { history.push_back(token); }
  void change(std::span<float> scores) const override {
    if (calls != nullptr) calls->push_back(history);
    std::uint64_t state = history.size();
    for (const TokenId token : history) state = mix(state ^ static_cast<std::uint64_t>(token));
    for (std::size_t token = 0; token < scores.size(); ++token)
      scores[token] += 4 * static_cast<float>(mix(state + token) >> 40) * 0x1.0p-24F;
  }
};

// Stands between the hooks and the model and replays every row from its beginning by the protocol
// of decoders alone: the histories about which something is asked, in order.
class Witness : public StepDecoder {
 public:
  explicit Witness(StepDecoder& inner) : inner_(inner) {}

  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override {
    for (const SentenceRows& lines : sentences) {
      const Histories before = std::exchange(caches_[lines.sentence], {});
      for (const Row& row : lines.rows) {
        Tokens cache = row.parent < 0 ? Tokens{} : before.at(static_cast<std::size_t>(row.parent));
        cache.resize(static_cast<std::size_t>(row.keep));
        for (std::size_t i = 0; i < row.feed.size(); ++i) {
          cache.push_back(row.feed[i]);
          if (row.queries[i].top_k > 0)
            asked[lines.sentence].emplace_back(cache.begin() + 1, cache.end());
        }
        caches_[lines.sentence].push_back(std::move(cache));
      }
    }
    inner_.step(sentences, answers);
  }
  void release(int sentence) override { inner_.release(sentence); }

  std::map<int, Histories> asked;

 private:
  StepDecoder& inner_;
  std::map<int, Histories> caches_;
};

struct Hooked {
  SearchOptions options;
  std::shared_ptr<const LogitsHook> hook;  // null: none
  std::unique_ptr<Search> search;          // null: make_search(options)
};

// Searches over sentences 0, 1, ... in one batch. `asked`: null, or receives what the model was
// asked about.
std::vector<RunResult> run_hooked(const TableModel& model, std::vector<Hooked> sentences,
                                  std::map<int, Histories>* asked = nullptr) {
  TableDecoder decoder(model);
  Witness witness(decoder);
  HookDecoder hooks(witness, model.vocabulary_size);
  Loop loop(hooks);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const int handle = static_cast<int>(i);
    if (sentences[i].hook != nullptr) hooks.attach(handle, sentences[i].hook);
    auto search =
        sentences[i].search ? std::move(sentences[i].search) : make_search(sentences[i].options);
    loop.add(handle, i, std::move(search));
  }
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  EXPECT_FALSE(decoder.holds_sentences());
  std::vector<RunResult> results(sentences.size());
  for (const Loop::Entry& entry : finished) {
    results[entry.tag].hypotheses = entry.search->results();
    results[entry.tag].stats = entry.search->stats();
    results[entry.tag].stats.decoder_passes = entry.decoder_passes;
  }
  if (asked != nullptr) *asked = witness.asked;
  return results;
}

RunResult run_hooked(const RandomCase& random_case, std::shared_ptr<const LogitsHook> hook) {
  std::vector<Hooked> one;
  one.push_back({random_case.options, std::move(hook), nullptr});
  return std::move(run_hooked(random_case.model, std::move(one)).front());
}

std::vector<SearchOptions> every_search(const SearchOptions& options) {
  std::vector<SearchOptions> all(6, options);
  for (SearchOptions& each : all) each.seed = 11;
  for (std::size_t i = 2; i < all.size(); ++i) all[i].num_beams = all[i].num_return_sequences = 4;
  all[0].strategy = Greedy{};
  all[1].strategy = Aggressive{};
  all[2].strategy = Beam{};
  all[3].strategy = Sample{};
  all[4].strategy = StochasticBeam{};
  all[5].strategy = Beam{};
  all[5].profile = Profile::marian;
  return all;
}

TEST(Hook, ThatChangesNothingIsNoHookBitForBit) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    for (const SearchOptions& options : every_search(random_case.options)) {
      random_case.options = options;
      const RunResult plain = run_hooked(random_case, nullptr);
      const RunResult hooked = run_hooked(random_case, std::make_shared<Idle>());
      expect_same(hooked, plain);
      EXPECT_EQ(hooked.stats.decoder_passes, plain.stats.decoder_passes);
    }
  }
}

// The table decoder ranks in double precision what is ranked in single precision here.
TEST(Hook, ThatChangesNothingLeavesPenaltiesBansAndForcedTokensWork) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    for (const SearchOptions& options : every_search(random_case.options)) {
      random_case.options = options;
      const RunResult plain = run_hooked(random_case, nullptr);
      const RunResult hooked = run_hooked(random_case, std::make_shared<Idle>());
      ASSERT_EQ(hooked.hypotheses.size(), plain.hypotheses.size());
      for (std::size_t i = 0; i < plain.hypotheses.size(); ++i) {
        EXPECT_EQ(hooked.hypotheses[i].ids, plain.hypotheses[i].ids);
        EXPECT_EQ(hooked.hypotheses[i].token_log_probs, plain.hypotheses[i].token_log_probs);
        EXPECT_NEAR(hooked.hypotheses[i].score, plain.hypotheses[i].score, 1e-4);
      }
    }
  }
}

TEST(Hook, ThatAddsToTokensIsSequenceBiasAndThatForbidsIsSuppression) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase plain = plain_case(seed);
    for (const SearchOptions& options : every_search(plain.options)) {
      RandomCase hooked{plain.model, options}, biased = hooked;
      biased.options.sequence_bias = {{{5}, 1.5}, {{7}, -2.0}};
      biased.options.suppress_tokens = {9};
      const auto bias =
          std::make_shared<Bias>(std::map<TokenId, float>{{5, 1.5F}, {7, -2.0F}, {9, -INFINITY}});
      const RunResult expected = run_hooked(biased, nullptr), found = run_hooked(hooked, bias);
      ASSERT_EQ(found.hypotheses.size(), expected.hypotheses.size());
      for (std::size_t i = 0; i < found.hypotheses.size(); ++i) {
        EXPECT_EQ(found.hypotheses[i].ids, expected.hypotheses[i].ids);
        EXPECT_EQ(found.hypotheses[i].token_log_probs, expected.hypotheses[i].token_log_probs);
        EXPECT_NEAR(found.hypotheses[i].score, expected.hypotheses[i].score, 1e-5);
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
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    std::vector<SearchOptions> searches = every_search(random_case.options);
    std::vector<Histories> calls(searches.size());
    std::vector<Hooked> sentences;
    for (std::size_t i = 0; i < searches.size(); ++i)
      sentences.push_back({searches[i], std::make_shared<Moody>(&calls[i]), nullptr});
    // Verification rolls back what was drafted in vain.
    sentences[1].search =
        std::make_unique<Verify>(searches[1],
                                 std::make_unique<NoisyDrafter>(seed, Tokens{4, 5, 6, 7, 8},
                                                                random_case.model.vocabulary_size),
                                 DraftLength(4));
    std::map<int, Histories> asked;
    run_hooked(random_case.model, std::move(sentences), &asked);
    for (std::size_t i = 0; i < searches.size(); ++i) {
      EXPECT_EQ(calls[i], asked[static_cast<int>(i)]) << "search " << i;
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
    const RunResult greedy = run_hooked(random_case, std::make_shared<Moody>(nullptr));
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
    expect_error([&] { run_hooked(random_case, std::make_shared<Faulty>(value)); },
                 ErrorCode::invalid_argument, "token 6");
  expect_error([&] { run_hooked(random_case, std::make_shared<Faulty>(0.0F)); },
               ErrorCode::invalid_argument, "no scores today");
}

}  // namespace
}  // namespace tandem::testing
