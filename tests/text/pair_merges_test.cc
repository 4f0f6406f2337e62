#include "text/pair_merges.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace tandem {
namespace {

// The definition, in quadratic time: the best pair by its place in the list, then the leftmost.
std::vector<TokenId> merge_slowly(std::vector<TokenId> symbols,
                                  const std::vector<PairMerges::Rule>& rules) {
  for (;;) {
    std::size_t best_rule = rules.size(), best_at = 0;
    for (std::size_t at = 0; at + 1 < symbols.size(); ++at)
      for (std::size_t rule = 0; rule < best_rule; ++rule)
        if (rules[rule].left == symbols[at] && rules[rule].right == symbols[at + 1]) {
          best_rule = rule;
          best_at = at;
        }
    if (best_rule == rules.size()) return symbols;
    symbols[best_at] = rules[best_rule].merged;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

TEST(PairMerges, EqualsTheDefinitionOnRandomRulesAndWords) {
  std::mt19937 random(3);
  PairMerges::Workspace workspace;
  for (int round = 0; round < 300; ++round) {
    std::vector<PairMerges::Rule> rules;
    TokenId next = 4;  // the letters are 0 to 3; each rule makes a symbol of its own
    for (int i = 0; i < 30; ++i) {
      const auto size = static_cast<unsigned>(next);
      const PairMerges::Rule rule{static_cast<TokenId>(random() % size),
                                  static_cast<TokenId>(random() % size), next};
      bool known = false;
      for (const PairMerges::Rule& other : rules)
        known |= other.left == rule.left && other.right == rule.right;
      if (known) continue;
      rules.push_back(rule);
      ++next;
    }
    const PairMerges merges(rules);
    std::vector<TokenId> word(random() % 40);
    for (TokenId& symbol : word) symbol = static_cast<TokenId>(random() % 4);
    std::vector<TokenId> merged = word;
    merges.apply(merged, workspace);
    ASSERT_EQ(merged, merge_slowly(word, rules));
  }
}

TEST(PairMerges, TakesALongRunWithoutRecursion) {
  const PairMerges merges({{0, 0, 1}, {1, 1, 2}, {2, 2, 3}});
  std::vector<TokenId> word(1 << 20, 0);
  PairMerges::Workspace workspace;
  merges.apply(word, workspace);
  EXPECT_EQ(word, std::vector<TokenId>(1 << 17, 3));
}

}  // namespace
}  // namespace tandem
