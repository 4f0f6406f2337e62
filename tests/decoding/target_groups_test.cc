// Groups of targets: every target once, and never more positions at a time than allowed.
#include "decoding/scoring/target_groups.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "support/random_case.h"

namespace tandem::testing {
namespace {

using Targets = std::vector<std::vector<TokenId>>;

TEST(TargetGroups, ArePartsOfTheTargetsWithinTheBound) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Targets targets(static_cast<std::size_t>(random.number(0, 30)));
    for (auto& target : targets) target = random.tokens(1, 8, 3);
    const auto limit = static_cast<std::size_t>(random.number(1, 30));
    std::vector<int> seen(targets.size(), 0);
    for (const auto& group : group_targets(targets, limit)) {
      std::set<std::vector<TokenId>> beginnings;
      for (const std::size_t index : group) {
        ++seen.at(index);
        for (std::size_t n = 0; n < targets[index].size(); ++n)
          beginnings.emplace(targets[index].begin(),
                             targets[index].begin() + static_cast<std::ptrdiff_t>(n));
      }
      EXPECT_TRUE(group.size() == 1 || beginnings.size() <= limit);
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
  }
}

TEST(TargetGroups, WhatBeginsAlikeStaysTogether) {
  const Targets targets{{1, 2, 3, 4}, {9, 9}, {1, 2, 3, 5}, {9, 8}, {1, 2, 3, 6}};
  EXPECT_EQ(group_targets(targets, 7), (std::vector<std::vector<std::size_t>>{{0, 2, 4}, {3, 1}}));
}

}  // namespace
}  // namespace tandem::testing
