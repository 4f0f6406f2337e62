// Vocabulary maps: the candidates are those of a literal reading of the format, token strings and
// all.
#include "models/readers/vocabulary_map.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using Words = std::vector<std::string>;

// "s0", "s1", ... and "t0", "t1", ...: token i of a side is called by its id.
constexpr int kSourceTokens = 12, kTargetTokens = 40;
constexpr TokenId kUnknown = 0;

TokenId id_within(std::string_view token, char side, int count) {
  if (token.size() < 2 || token[0] != side) return -1;
  const int id = std::stoi(std::string(token.substr(1)));
  return id < count ? id : -1;
}

VocabularyMap parse(const std::string& text, std::vector<TokenId> always = {}) {
  VocabularyMap::Tokens tokens;
  tokens.source_id = [](std::string_view token) { return id_within(token, 's', kSourceTokens); };
  tokens.target_id = [](std::string_view token) {
    return std::max(kUnknown, id_within(token, 't', kTargetTokens));
  };
  tokens.always = std::move(always);
  return VocabularyMap::parse(as_file(text), tokens);
}

// By strings: every line in a table, every run of words of the source joined and looked up.
std::set<TokenId> literal_candidates(const std::string& text, const Words& source) {
  std::map<std::string, Words> table;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    std::istringstream targets(line.substr(tab + 1));
    Words& values = table[line.substr(0, tab)];
    values.clear();
    for (std::string target; targets >> target;) values.push_back(target);
  }
  std::set<std::string> found(table[""].begin(), table[""].end());
  for (std::size_t i = 0; i < source.size(); ++i) {
    std::string joined;
    for (std::size_t j = i; j < source.size(); ++j) {
      joined += (j > i ? " " : "") + source[j];
      if (table.count(joined) != 0) found.insert(table[joined].begin(), table[joined].end());
    }
  }
  std::set<TokenId> ids;
  for (const std::string& token : found) {
    const TokenId id = id_within(token, 't', kTargetTokens);
    ids.insert(std::max(kUnknown, id));
  }
  return ids;
}

TEST(VocabularyMap, HasTheCandidatesOfALiteralReading) {
  std::mt19937 random(3);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    std::string text = round % 2 == 0 ? "\tt1 t3\n" : "";
    for (int line = 0; line < 30; ++line) {
      for (int i = 0, n = 1 + below(3); i < n; ++i)
        text += (i > 0 ? " s" : "s") + std::to_string(below(kSourceTokens + 2));
      text += '\t';
      for (int i = 0, n = below(4); i < n; ++i)
        text += (i > 0 ? " t" : "t") + std::to_string(below(kTargetTokens + 2));
      text += '\n';
    }
    Words source;
    std::vector<TokenId> ids;
    for (int i = 0, n = below(9); i < n; ++i) {
      ids.push_back(below(kSourceTokens));
      source.push_back("s" + std::to_string(ids.back()));
    }
    const std::set<TokenId> expected = literal_candidates(text, source);
    EXPECT_EQ(parse(text).candidates(ids), std::vector<TokenId>(expected.begin(), expected.end()))
        << text;
  }
}

TEST(VocabularyMap, WhatIsAlwaysWantedIsThereOnceAndInOrder) {
  const VocabularyMap map = parse("\tt7\ns1\tt9 t2\n", {9, 1, 30});
  EXPECT_THAT(map.candidates(std::vector<TokenId>{1}), ElementsAre(1, 2, 7, 9, 30));
  EXPECT_THAT(map.candidates({}), ElementsAre(1, 7, 9, 30));
}

TEST(VocabularyMap, TheLastOfEqualLinesCounts) {
  EXPECT_THAT(parse("s1\tt5\ns1\tt6\r\n").candidates(std::vector<TokenId>{1}), ElementsAre(6));
}

TEST(VocabularyMap, ALineNeedsOneTab) {
  for (const char* text : {"s1 t1\n", "s1\tt1\ts2\n", "s1\tt1\n\n", "s1"})
    expect_error([&] { parse(text); }, ErrorCode::corrupt, "one tab");
}

}  // namespace
}  // namespace tandem
