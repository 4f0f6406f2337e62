// How long drafts are: laws about the cost of a whole sentence, counted in passes over one row by a
// table, so that no clock is involved.
#include "decoding/draft_length.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/verify.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;
using Points = std::vector<PassCosts::Point>;

struct Device {
  const char* name;
  Points points;
};

// Measured tables: models that fit into the cache, models that are read from memory, a GPU.
std::vector<Device> devices() {
  return {
      {"cached_float32",
       {{1, 1}, {2, 1.39}, {3, 1.69}, {4, 1.77}, {6, 2.62}, {8, 3.5}, {32, 14.2}}},
      {"cached_int8", {{1, 1}, {2, 1.27}, {3, 1.92}, {4, 2.19}, {6, 3.2}, {8, 4.2}, {32, 17.1}}},
      {"memory_float32", {{1, 1}, {2, 1.04}, {4, 1.1}, {8, 1.2}, {16, 1.95}, {32, 3.36}}},
      {"memory_int8", {{1, 1}, {2, 1.2}, {4, 1.34}, {8, 1.64}, {16, 2.82}, {32, 5.17}}},
      {"gpu", {{1, 1}, {8, 1.02}, {32, 1.1}, {64, 1.2}}},
  };
}

// Right about each token with a probability, wrong beyond doubt otherwise.
class FlakyDrafter : public Drafter {
 public:
  FlakyDrafter(Tokens answer, int percent, std::uint64_t seed)
      : answer_(std::move(answer)), percent_(percent), random_(seed) {}
  Tokens propose(std::span<const TokenId> output, int limit) override {
    Tokens draft;
    for (std::size_t at = output.size(); draft.size() < static_cast<std::size_t>(limit); ++at) {
      const TokenId right = at < answer_.size() ? answer_[at] : 1;
      draft.push_back(random_.chance(percent_) ? right : (right + 1) % 30 + 1);
    }
    return draft;
  }

 private:
  Tokens answer_;
  int percent_;
  Random random_;
};

// Sums the costs of the passes that it makes.
class CostedDecoder : public StepDecoder {
 public:
  CostedDecoder(TableModel model, const PassCosts& costs)
      : decoder_(std::move(model)), costs_(costs) {}
  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override {
    int rows = 0;
    for (const Row& row : sentences[0].rows) rows += static_cast<int>(row.feed.size());
    cost += costs_(rows);
    decoder_.step(sentences, answers);
  }
  void release(int sentence) override { decoder_.release(sentence); }

  double cost = 0;

 private:
  TableDecoder decoder_;
  const PassCosts& costs_;
};

constexpr int kTokens = 25;

// The cost of sentences of 25 tokens, relative to greedy search.
double relative_cost(const PassCosts& costs, int percent, const DraftLength& length) {
  double cost = 0;
  constexpr int kSentences = 100;
  for (int i = 0; i < kSentences; ++i) {
    Random random(static_cast<std::uint64_t>(i));
    TableModel model;
    model.vocabulary_size = 32;
    for (int t = 0; t + 1 < kTokens; ++t) model.favourites.push_back(random.number(1, 30));
    model.favourites.push_back(kEos);
    model.preference = 100;
    SearchOptions options;
    options.vocabulary_size = 32;
    options.eos_tokens = {kEos};
    options.max_new_tokens = 40;
    CostedDecoder decoder(model, costs);
    Loop loop(decoder);
    auto drafter =
        std::make_unique<FlakyDrafter>(model.favourites, percent, random.number(0, 9999));
    loop.add(0, 0, std::make_unique<Verify>(options, std::move(drafter), length));
    std::vector<Loop::Entry> finished;
    while (loop.active() > 0) loop.step(finished);
    EXPECT_EQ(finished[0].search->results()[0].ids, model.favourites);
    cost += decoder.cost;
  }
  return cost / (kSentences * kTokens);
}

TEST(PassCosts, GoesThroughItsPointsInPassesOverOneRow) {
  const PassCosts costs({{1, 2.0}, {4, 3.0}, {8, 5.0}});
  EXPECT_DOUBLE_EQ(costs(1), 1.0);
  EXPECT_DOUBLE_EQ(costs(4), 1.5);
  EXPECT_DOUBLE_EQ(costs(6), 2.0);
  EXPECT_DOUBLE_EQ(costs(8), 2.5);
  EXPECT_DOUBLE_EQ(costs(12), 3.5);
  EXPECT_DOUBLE_EQ(costs.unit_time(), 2.0);
  EXPECT_DOUBLE_EQ(PassCosts({{1, 5.0}})(7), 7.0);
}

TEST(PassCosts, WhatNoDeviceDoesIsTakenForNoise) {
  const PassCosts disturbed({{1, 1.0}, {4, 30.0}, {8, 2.0}, {16, 60.0}});
  EXPECT_DOUBLE_EQ(disturbed(4), 2.0);
  EXPECT_DOUBLE_EQ(disturbed(8), 2.0);
  EXPECT_DOUBLE_EQ(disturbed(16), 16.0);
  EXPECT_DOUBLE_EQ(PassCosts({{1, 9.0}, {4, 2.0}}).unit_time(), 2.0);
}

TEST(DraftLength, AUselessDrafterCostsAtMostATenth) {
  for (const Device& device : devices()) {
    const auto costs = std::make_shared<const PassCosts>(device.points);
    EXPECT_LE(relative_cost(*costs, 0, DraftLength(costs, 0)), 1.10) << device.name;
  }
}

TEST(DraftLength, IsNearlyAsGoodAsTheBestFixedLengthForAnyDrafter) {
  for (const Device& device : devices()) {
    const auto costs = std::make_shared<const PassCosts>(device.points);
    for (const int percent : {50, 80, 95, 100}) {
      double best = 1;
      for (const int most : {1, 2, 3, 4, 5, 7, 11, 15, 24})
        best = std::min(best, relative_cost(*costs, percent, DraftLength(most)));
      EXPECT_LE(relative_cost(*costs, percent, DraftLength(costs, 0)), 1.25 * best)
          << device.name << ", right in " << percent << " % of all tokens";
    }
  }
}

TEST(DraftLength, APerfectDrafterKeepsFullDrafts) {
  for (const Device& device : devices()) {
    SCOPED_TRACE(device.name);
    DraftLength length(std::make_shared<const PassCosts>(device.points), 0);
    int previous = 0;
    for (int pass = 0; pass < 10; ++pass) {
      const int chosen = length.choose(100, 1);
      EXPECT_GE(chosen, std::max(previous, 1));
      length.observe(chosen, chosen);
      previous = chosen;
    }
  }
  // Where rows cost nothing, all that is left of the text is drafted at once.
  const DraftLength length(std::make_shared<const PassCosts>(Points{{1, 1}, {64, 1}}), 0);
  EXPECT_EQ(length.choose(37, 1), 37);
}

TEST(DraftLength, DraftsLessWhenThePassIsSharedOrTheDrafterIsSlow) {
  for (const Device& device : devices()) {
    SCOPED_TRACE(device.name);
    const auto costs = std::make_shared<const PassCosts>(device.points);
    const DraftLength length(costs, 0);
    EXPECT_LE(length.choose(100, 32), length.choose(100, 1));
    EXPECT_LE(DraftLength(costs, 0.2).choose(100, 1), length.choose(100, 1));
    EXPECT_EQ(DraftLength(costs, 1.0).choose(100, 1), 0);
  }
}

TEST(DraftLength, ResumesWhenTheDrafterIsRightAgain) {
  DraftLength length(std::make_shared<const PassCosts>(devices()[1].points), 0);
  for (int pass = 0; pass < 50; ++pass) length.observe(1, 0);
  EXPECT_EQ(length.choose(100, 1), 0);
  EXPECT_TRUE(length.wants_a_guess());
  int passes = 0;
  for (; length.choose(100, 1) == 0 && passes < 10; ++passes) length.observe(1, 1);
  EXPECT_LE(passes, 3);
}

TEST(DraftLength, ASlowDrafterIsRarelyAskedForAGuess) {
  DraftLength length(std::make_shared<const PassCosts>(devices()[0].points), 0.5);
  int asked = 0;
  for (int pass = 0; pass < 80; ++pass) asked += length.wants_a_guess() ? 1 : 0;
  EXPECT_EQ(asked, 10);
}

}  // namespace
}  // namespace tandem::testing
