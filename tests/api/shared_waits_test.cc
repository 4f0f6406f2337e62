// Laws of what passes that run ahead cost on a GPU: greedy steps share a wait, what joins catches
// up, and searches that are not greedy do no work for nothing.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/counted_gpu.h"
#include "support/decoder_steps.h"

namespace tandem {
namespace {

constexpr int kVocabulary = 40;

// Greedy searches by hand, on a GPU that counts.
class SharedWaits : public testing::Test {
 protected:
  struct Greedy {
    int handle = 0;
    int length = 0;
    TokenId next = -1;
  };

  Greedy start() { return {decoder_.add(encode(*network_, backend_, {5, 17, 0}), {}), 0, -1}; }

  // One step of all; `asked` candidates of each.
  void go_on(const std::vector<Greedy*>& searches, int asked = 1) {
    counts_ = {};
    std::vector<int> handles;
    std::vector<std::vector<Row>> rows;
    for (const Greedy* search : searches) {
      handles.push_back(search->handle);
      const int parent = search->length == 0 ? -1 : 0;
      rows.push_back({make_row(parent, search->length, {search->next}, asked)});
    }
    const auto answers = step(decoder_, handles, rows);
    for (std::size_t i = 0; i < searches.size(); ++i) {
      searches[i]->next = answers[i].after(0, 0).front().token;
      ++searches[i]->length;
    }
  }

  cuda::CountedGpu::Counts counts_;
  cuda::CudaBackend backend_{std::make_unique<cuda::CountedGpu>(counts_), Numerics::exact};
  std::shared_ptr<const EncoderDecoder> network_ =
      load_native(MarianShape(), ComputeType::int8, backend_).network;
  ModelDecoder decoder_{*network_, backend_, 4};
};

TEST_F(SharedWaits, GreedyStepsShareOneWait) {
  Greedy a = start(), b = start();
  for (int i = 0; i < 8; ++i) go_on({&a, &b});
  for (int i = 0; i < 3; ++i) {
    go_on({&a, &b});
    EXPECT_EQ(counts_.copies_in, 4);
    EXPECT_EQ(counts_.lists, 4);
    EXPECT_EQ(counts_.syncs, 1);
    EXPECT_EQ(counts_.copies_out, 1);
    EXPECT_EQ(counts_.allocations, 0);
    for (int held = 3; held > 0; --held) {
      EXPECT_TRUE(decoder_.holds_answers());
      go_on({&a, &b});
      EXPECT_EQ(counts_.syncs + counts_.lists + counts_.copies_in, 0);
    }
    EXPECT_FALSE(decoder_.holds_answers());
  }
}

TEST_F(SharedWaits, ASentenceThatJoinsCatchesUpWithTheOthers) {
  Greedy a = start(), b = start();
  go_on({&a});
  EXPECT_EQ(counts_.lists, 4);
  go_on({&a, &b});  // the first holds two more
  EXPECT_EQ(counts_.lists, 3);
  for (int i = 0; i < 2; ++i) {
    go_on({&a, &b});
    EXPECT_EQ(counts_.lists, 0);
  }
  go_on({&a, &b});
  EXPECT_EQ(counts_.lists, 4);
  EXPECT_EQ(counts_.syncs, 1);
}

TEST_F(SharedWaits, ASearchThatDepartsRunsAheadNoMore) {
  Greedy a = start();
  go_on({&a});
  a.next = (a.next + 1) % kVocabulary;
  for (int i = 0; i < 3; ++i) {
    go_on({&a});
    EXPECT_EQ(counts_.lists, 1);
  }
  EXPECT_EQ(decoder_.cached_positions(), 4);
}

TEST_F(SharedWaits, WhatIsNotGreedyDoesNotRunAhead) {
  Greedy a = start(), b = start();
  for (int i = 0; i < 3; ++i) {
    go_on({&a}, /*asked=*/2);
    EXPECT_EQ(counts_.lists, 1);
  }
  go_on({&a, &b});  // nor what shares its pass
  EXPECT_EQ(counts_.lists, 1);
  EXPECT_FALSE(decoder_.holds_answers());
}

TEST_F(SharedWaits, ASearchThatDraftsDoesNotRunAheadButOneWithAPrefixDoes) {
  for (const bool drafts : {true, false}) {
    const int sentence = decoder_.add(encode(*network_, backend_, {5, 17, 0}), {});
    Row row = make_row(-1, 0, {-1, 4}, 1);
    row.queries[0].top_k = drafts ? 1 : 0;
    step(decoder_, {sentence}, {{row}});
    counts_ = {};
    step(decoder_, {sentence}, {{make_row(0, 2, {6}, 1)}});
    EXPECT_EQ(counts_.lists, drafts ? 1 : 4);
  }
}

// A question with edits or a mask is expected to come again once it has.
TEST_F(SharedWaits, AQuestionThatComesAgainRunsAhead) {
  const int sentence = decoder_.add(encode(*network_, backend_, {5, 17, 0}), {});
  Row row = make_row(-1, 0, {-1}, 1);
  row.queries[0].edits = {{ScoreEdit::Kind::ban, 3, 0}};
  for (const int lists : {1, 4, 0, 0, 0, 4}) {
    counts_ = {};
    const auto answers = step(decoder_, {sentence}, {{row}});
    EXPECT_EQ(counts_.lists, lists);
    row.parent = 0;
    ++row.keep;
    row.feed = {answers[0].after(0, 0).front().token};
  }
}

// Growing the cache is work for what may never be asked.
TEST_F(SharedWaits, PassesAheadTakeNoMoreMemoryThanOneAStep) {
  Greedy a = start();
  int capacity_steps = 0;
  while (a.length < 300) {
    go_on({&a});
    capacity_steps += counts_.allocations > 0 ? 1 : 0;
    EXPECT_LE(decoder_.cached_positions(), a.length + 3);
  }
  EXPECT_LE(capacity_steps, 20);
}

}  // namespace
}  // namespace tandem
