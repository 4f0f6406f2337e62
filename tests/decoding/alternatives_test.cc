// Alternatives: against requests whose prefix ends with the first token, and against greedy search.
#include "decoding/alternatives.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

constexpr std::uint64_t kCases = 150;

SearchOptions with_alternatives(SearchOptions options, int count, double least = 0) {
  options.alternatives = true;
  options.num_return_sequences = count;
  options.min_first_probability = least;
  return options;
}

TokenId first_token(const SearchOptions& options, const Hypothesis& hypothesis) {
  return hypothesis.ids.at(options.prefix.size());
}

// Greedy, aggressive and beam search by the rules of each profile.
std::vector<SearchOptions> searches(std::uint64_t seed, const SearchOptions& options) {
  std::vector<SearchOptions> all;
  for (const Profile profile : {Profile::huggingface, Profile::marian, Profile::ctranslate2}) {
    for (const Strategy& strategy :
         {Strategy(Greedy{}), Strategy(Aggressive{}), Strategy(Beam{})}) {
      all.push_back(options);
      all.back().profile = profile;
      all.back().strategy = strategy;
      if (profile == Profile::ctranslate2) all.back().renormalize = true;
      if (!std::holds_alternative<Beam>(strategy)) continue;
      add_beams(seed, all.back());
      all.back().length_penalty = 0;
    }
  }
  return all;
}

// The output of a request whose prefix ends with `first`, which counted as generated.
Hypothesis continued(const TableModel& model, SearchOptions options, TokenId first) {
  options.prefix.push_back(first);
  options.num_return_sequences = 1;
  --options.max_new_tokens;
  options.min_new_tokens = std::max(0, options.min_new_tokens - 1);
  return run(model, 0, options).best();
}

TEST(Alternatives, EachIsTheOutputOfARequestWhosePrefixEndsWithItsFirstToken) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    RandomCase random_case = mixed_case(seed);
    random_case.options.begin_suppress_tokens = {};  // speak of the first places behind the prefix
    random_case.options.exponential_decay = {};
    for (const SearchOptions& options : searches(seed, random_case.options)) {
      SCOPED_TRACE(::testing::Message() << seed << ", strategy " << options.strategy.index()
                                        << ", profile " << static_cast<int>(options.profile));
      const RunResult found = run(random_case.model, 0, with_alternatives(options, 4));
      // CTranslate2's beams have a rule of their own for the first place behind a prefix.
      if (options.profile == Profile::ctranslate2 && std::holds_alternative<Beam>(options.strategy))
        continue;
      for (const Hypothesis& hypothesis : found.hypotheses) {
        const TokenId first = first_token(options, hypothesis);
        if (options.is_eos(first) || options.max_new_tokens == 1) {
          EXPECT_EQ(hypothesis.ids.size(), options.prefix.size() + 1);
          continue;
        }
        EXPECT_EQ(hypothesis.ids, continued(random_case.model, options, first).ids);
      }
    }
  }
}

TEST(Alternatives, TheBestOfGreedySearchIsGreedySearch) {
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    const RandomCase random_case = mixed_case(seed);
    for (SearchOptions options : searches(seed, random_case.options)) {
      if (std::holds_alternative<Beam>(options.strategy)) continue;
      SCOPED_TRACE(::testing::Message() << seed << ", strategy " << options.strategy.index()
                                        << ", profile " << static_cast<int>(options.profile));
      const Hypothesis greedy = run(random_case.model, 0, options).best();
      const Hypothesis best = run(random_case.model, 0, with_alternatives(options, 3)).best();
      EXPECT_EQ(best.ids, greedy.ids);
      EXPECT_EQ(best.token_log_probs, greedy.token_log_probs);
      EXPECT_EQ(best.score, greedy.score);
      EXPECT_EQ(best.finish_reason, greedy.finish_reason);
    }
  }
}

TEST(Alternatives, StandInTheOrderOfTheirFirstTokensAndNoneIsImprobable) {
  constexpr double kLeast = 0.1;
  int left_out = 0;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = plain_case(seed);
    const std::size_t place = options.prefix.size();
    const auto all = run(model, 0, with_alternatives(options, 5)).hypotheses;
    const auto likely = run(model, 0, with_alternatives(options, 5, kLeast)).hypotheses;
    ASSERT_EQ(all.size(), 5U);
    std::set<TokenId> firsts;
    for (std::size_t i = 0; i < all.size(); ++i) {
      firsts.insert(first_token(options, all[i]));
      EXPECT_LE(all[i].token_log_probs[place],
                all[std::max<std::size_t>(i, 1) - 1].token_log_probs[place]);
      const bool is_kept = i == 0 || std::exp(all[i].token_log_probs[place]) >= kLeast;
      EXPECT_EQ(is_kept, i < likely.size());
      if (is_kept) {
        EXPECT_EQ(all[i].ids, likely.at(i).ids);
      } else {
        ++left_out;
      }
    }
    EXPECT_EQ(firsts.size(), all.size());
  }
  EXPECT_GT(left_out, 0);
}

// The prefix is fed once, and the searches share their passes.
TEST(Alternatives, TakeThePassesOfTheLongestOfThem) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = plain_case(seed);
    const RunResult found = run(model, 0, with_alternatives(options, 4));
    std::size_t longest = 0;
    for (const Hypothesis& hypothesis : found.hypotheses)
      longest = std::max(longest, hypothesis.ids.size() - options.prefix.size());
    EXPECT_EQ(found.stats.decoder_passes, static_cast<std::int64_t>(longest));
  }
}

TEST(Alternatives, MeetTheConstraint) {
  const std::vector<std::vector<TokenId>> labels{{5, 6}, {5, 7, 8}, {9}, {10, 11, 4}};
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    random_case.options.prefix = {};
    random_case.options.eos_tokens = {kEos};
    random_case.options.max_new_tokens = 5;
    random_case.options.constraint = make_trie_constraint(labels);
    for (const SearchOptions& options : searches(seed, random_case.options)) {
      const auto found = run(random_case.model, 0, with_alternatives(options, 4)).hypotheses;
      EXPECT_EQ(found.size(), 3U);  // three tokens begin a label
      for (Hypothesis hypothesis : found) {
        ASSERT_EQ(hypothesis.ids.back(), kEos);
        hypothesis.ids.pop_back();
        EXPECT_EQ(std::count(labels.begin(), labels.end(), hypothesis.ids), 1);
      }
    }
  }
}

}  // namespace
}  // namespace tandem::testing
