// What copying from a known text promises: never more passes than greedy, one for an identical
// text, few for an edited one, and in any batch the same answer.
#include <cstddef>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/drafters/copy.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

Aggressive capped(int max_draft) {
  Aggressive aggressive;
  aggressive.max_draft = max_draft;
  return aggressive;
}

// A model whose greedy output is `output`, then the end.
TableModel copying_model(std::vector<TokenId> output, TokenId vocabulary_size) {
  TableModel model;
  model.vocabulary_size = vocabulary_size;
  output.push_back(kEos);
  model.favourites = std::move(output);
  model.preference = 100;
  return model;
}

std::vector<TokenId> distinct_text(int length) {
  std::vector<TokenId> text;
  for (int i = 0; i < length; ++i) text.push_back(1 + i);
  return text;
}

RunResult copy(const std::vector<TokenId>& source, const std::vector<TokenId>& output,
               int max_draft = 1000) {
  SearchOptions options;
  options.vocabulary_size = 200;
  options.start_token = 199;
  options.eos_tokens = {kEos};
  options.max_new_tokens = 150;
  options.source = source;
  options.source.push_back(kEos);
  options.strategy = capped(max_draft);
  const RunResult result = run(copying_model(output, 200), 0, options);
  std::vector<TokenId> expected = output;
  expected.push_back(kEos);
  EXPECT_EQ(result.best().ids, expected);
  return result;
}

// Law A3.
TEST(CopyDrafter, AnIdenticalTextNeedsOnePass) {
  const auto text = distinct_text(60);
  EXPECT_EQ(copy(text, text).stats.decoder_passes, 1);
  EXPECT_EQ(copy({}, {}).stats.decoder_passes, 1);
  EXPECT_EQ(copy(text, text).stats.accepted_tokens, 60);
}

TEST(CopyDrafter, ACapCostsOnePassForEachFullDraft) {
  const auto text = distinct_text(60);
  EXPECT_EQ(copy(text, text, 1).stats.decoder_passes, 31);  // 2 tokens a pass, 61 tokens
  EXPECT_EQ(copy(text, text, 4).stats.decoder_passes, 13);  // 5
  EXPECT_EQ(copy(text, text, 16).stats.decoder_passes, 4);  // 17
}

TEST(CopyDrafter, AReplacedTokenCostsOnePass) {
  const auto source = distinct_text(60);
  auto output = source;
  output[20] = 150;
  EXPECT_EQ(copy(source, output).stats.decoder_passes, 2);
}

TEST(CopyDrafter, ADeletedTokenCostsOnePass) {
  const auto source = distinct_text(60);
  auto output = source;
  output.erase(output.begin() + 20);
  EXPECT_EQ(copy(source, output).stats.decoder_passes, 2);
}

TEST(CopyDrafter, AnInsertedTokenCostsTwoPasses) {
  const auto source = distinct_text(60);
  auto output = source;
  output.insert(output.begin() + 20, 150);
  EXPECT_EQ(copy(source, output).stats.decoder_passes, 3);
}

TEST(CopyDrafter, FindsItsPlaceAmongRepetitions) {
  // "5 6" occurs often; the tokens around tell the places apart.
  std::vector<TokenId> source;
  for (TokenId i = 0; i < 20; ++i) source.insert(source.end(), {5, 6, 20 + i});
  auto output = source;
  output[30] = 150;
  EXPECT_LE(copy(source, output).stats.decoder_passes, 3);
}

TEST(CopyDrafter, AGivenDraftIsFollowedLikeASource) {
  const auto text = distinct_text(40);
  SearchOptions options;
  options.vocabulary_size = 200;
  options.eos_tokens = {kEos};
  options.max_new_tokens = 100;
  options.source = {7, 7, 7, kEos};
  Aggressive aggressive = capped(100);
  aggressive.drafter = DraftSource::ids;
  aggressive.draft_ids = text;
  options.strategy = aggressive;
  EXPECT_EQ(run(copying_model(text, 200), 0, options).stats.decoder_passes, 1);
}

// Law A2. A cap of 1000 is none.
TEST(CopyDrafter, EqualsGreedyInEveryBatchAndForEveryCap) {
  for (const std::size_t batch : {1U, 2U, 7U, 32U}) {
    for (const int max_draft : {1, 4, 16, 1000}) {
      std::vector<Job> greedy;
      std::vector<Job> drafted;
      const RandomCase base = mixed_case(batch);
      for (std::size_t i = 0; i < batch; ++i) {
        Job job{static_cast<int>(i), base.options, nullptr};
        job.options.max_new_tokens = 12;
        // The source is the answer with an edit, so that drafts are partly right.
        job.options.source = run(base.model, job.sentence, job.options).best().ids;
        if (job.options.source.size() > 4) job.options.source[3] = 9;
        greedy.push_back({job.sentence, job.options, nullptr});
        job.options.strategy = capped(max_draft);
        drafted.push_back(std::move(job));
      }
      const auto expected = run_batch(base.model, std::move(greedy));
      const auto found = run_batch(base.model, std::move(drafted));
      for (std::size_t i = 0; i < batch; ++i) {
        expect_same(expected[i], found[i]);
        EXPECT_LE(found[i].stats.decoder_passes, expected[i].stats.decoder_passes);
      }
    }
  }
}

}  // namespace
}  // namespace tandem::testing
