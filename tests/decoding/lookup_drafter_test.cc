// The n-gram drafter: what followed the last few tokens earlier, by a rule that is stated twice,
// here as a search over all places.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/drafters/lookup.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

// All places in source and then output behind an occurrence of the last n tokens; of the largest n
// that has one with something behind it, the first.
Tokens transcription(const Tokens& source, const Tokens& output, std::size_t limit) {
  for (std::size_t n = 3; n >= 1; --n) {
    if (n > output.size()) continue;
    for (const Tokens& text : {source, output}) {
      for (std::size_t end = n; end <= text.size(); ++end) {
        bool same = true;
        for (std::size_t i = 0; i < n; ++i)
          same = same && text[end - n + i] == output[output.size() - n + i];
        if (!same) continue;
        if (end == text.size()) break;  // nothing behind the first place
        Tokens draft;
        for (std::size_t i = end; i < text.size() && draft.size() < limit; ++i)
          draft.push_back(text[i]);
        return draft;
      }
    }
  }
  return {};
}

TEST(LookupDrafter, DraftsWhatFollowedTheLongestSuffixFirst) {
  LookupDrafter drafter({10, 11, 12, 13, 11, 12, 14, 15});
  EXPECT_EQ(drafter.propose(Tokens{}, 8), Tokens{});
  EXPECT_EQ(drafter.propose(Tokens{99}, 8), Tokens{});
  EXPECT_EQ(drafter.propose(Tokens{11}, 2), (Tokens{12, 13}));              // the first place
  EXPECT_EQ(drafter.propose(Tokens{13, 11, 12}, 8), (Tokens{14, 15}));      // 3 tokens say which
  EXPECT_EQ(drafter.propose(Tokens{7, 8, 9, 7, 8}, 8), (Tokens{9, 7, 8}));  // of the output
  EXPECT_EQ(drafter.propose(Tokens{15}, 8), Tokens{});                      // nothing behind it
}

TEST(LookupDrafter, EqualsItsTranscription) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const TokenId vocabulary = random.number(2, 12);
    const Tokens source = random.tokens(0, 20, vocabulary);
    const Tokens output = random.tokens(0, 20, vocabulary);
    const int limit = random.number(1, 9);
    EXPECT_EQ(LookupDrafter(source).propose(output, limit),
              transcription(source, output, static_cast<std::size_t>(limit)));
  }
}

TEST(LookupDrafter, EqualsGreedyAndSavesPassesOnAnOutputThatQuotes) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    const RunResult greedy = run(random_case.model, 1, random_case.options);
    Aggressive aggressive;
    aggressive.drafter = DraftSource::lookup;
    random_case.options.strategy = aggressive;
    const RunResult drafted = run(random_case.model, 1, random_case.options);
    expect_same(greedy, drafted);
    EXPECT_LE(drafted.stats.decoder_passes, greedy.stats.decoder_passes);
  }
  // "1 2 ... 20" quoted twice in another order.
  SearchOptions options;
  options.vocabulary_size = 40;
  options.eos_tokens = {kEos};
  options.max_new_tokens = 60;
  Tokens output;
  for (TokenId token = 1; token <= 20; ++token) options.source.push_back(token);
  for (const TokenId first : {11, 1, 11}) {
    for (TokenId token = first; token < first + 10; ++token) output.push_back(token);
  }
  output.push_back(kEos);
  TableModel model;
  model.vocabulary_size = 40;
  model.favourites = output;
  model.preference = 100;
  Aggressive aggressive;
  aggressive.drafter = DraftSource::lookup;
  aggressive.max_draft = 16;
  options.strategy = aggressive;
  const RunResult quoted = run(model, 0, options);
  EXPECT_EQ(quoted.best().ids, output);
  EXPECT_LE(quoted.stats.decoder_passes, 8);
}

}  // namespace
}  // namespace tandem::testing
