// Stop strings: an output ends with the token that completes one.
#include "decoding/stop_strings.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/random_case.h"
#include "support/run_search.h"
#include "support/word_tokenizer.h"

namespace tandem::testing {
namespace {

TEST(StopStrings, AreCompletedAnywhereButNotInsideThePrefix) {
  const WordTokenizer tokenizer({"", "a", "bc", "cd", "."});
  SearchOptions options;
  options.tokenizer = &tokenizer;
  options.stop_strings = {"cc", "."};
  const StopStrings stops(options);
  EXPECT_FALSE(stops.completed(std::vector<TokenId>{1, 2}));
  EXPECT_TRUE(stops.completed(std::vector<TokenId>{1, 2, 3}));  // across tokens, and more after it
  EXPECT_TRUE(stops.completed(std::vector<TokenId>{4}));

  options.prefix = {4, 2};
  const StopStrings after_prefix(options);
  EXPECT_FALSE(after_prefix.completed(std::vector<TokenId>{4, 2, 1}));  // the prefix's own stop
  EXPECT_TRUE(after_prefix.completed(std::vector<TokenId>{4, 2, 3}));   // begins in the prefix
}

TEST(StopStrings, EndGreedyAggressiveAndSampledOutputsAtTheFirstTokenThatCompletesOne) {
  int stopped = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    std::vector<std::string> words;
    for (TokenId id = 0; id < options.vocabulary_size; ++id)
      words.emplace_back(1, static_cast<char>('a' + id % 6));
    const WordTokenizer tokenizer(words);
    for (const Strategy& strategy :
         {Strategy(Greedy{}), Strategy(Aggressive{}), Strategy(Sample{})}) {
      options.strategy = strategy;
      options.stop_strings.clear();
      const Hypothesis whole = run(random_case.model, 0, options).best();
      options.tokenizer = &tokenizer;
      options.stop_strings = {"ab", "c"};
      const Hypothesis cut = run(random_case.model, 0, options).best();
      ASSERT_LE(cut.ids.size(), whole.ids.size());
      EXPECT_TRUE(std::equal(cut.ids.begin(), cut.ids.end(), whole.ids.begin()));
      const StopStrings stops(options);
      const std::span<const TokenId> ids = cut.ids;
      for (std::size_t size = options.prefix.size() + 1; size < ids.size(); ++size)
        EXPECT_FALSE(stops.completed(ids.first(size)));
      if (cut.finish_reason == FinishReason::stopped) {
        ++stopped;
        EXPECT_TRUE(stops.completed(ids));
      } else {
        EXPECT_EQ(cut.ids, whole.ids);
      }
    }
  }
  EXPECT_GT(stopped, 300);
}

}  // namespace
}  // namespace tandem::testing
