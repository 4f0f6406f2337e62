// Masks over text: a token is allowed if and only if tokens can complete the text behind it.
#include "decoding/constraints/text_language.h"

#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/text_constraint.h>

#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/toy_text.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

// The rule of TokenText for what may stand behind a blank in front.
bool may_follow(const TokenText& text, const Ids& ids, TokenId next) {
  const bool behind_blank = ids.size() == 1 && text.is_blank(ids[0]);
  return text[next].is_text && (!behind_blank || text[next].first == text[next].middle);
}

// All outputs of at most `length` tokens whose text matches, by enumeration.
std::vector<Ids> members(const TokenText& text, const std::regex& pattern, std::size_t length) {
  std::vector<Ids> found;
  std::vector<Ids> open{{}};
  while (!open.empty()) {
    const Ids ids = std::move(open.back());
    open.pop_back();
    const bool is_cut = !ids.empty() && text[ids.back()].is_cut_at_end && !(ids.size() == 1);
    if (!is_cut && std::regex_match(text.text(ids), pattern)) found.push_back(ids);
    if (ids.size() == length) continue;
    for (TokenId token = 0; token < text.vocabulary_size(); ++token) {
      if (!may_follow(text, ids, token)) continue;
      open.push_back(ids);
      open.back().push_back(token);
    }
  }
  return found;
}

// What comes after each beginning of a member.
std::set<TokenId> continuations(const std::vector<Ids>& all, const Ids& ids) {
  std::set<TokenId> next;
  for (const Ids& member : all)
    if (member.size() > ids.size() && std::equal(ids.begin(), ids.end(), member.begin()))
      next.insert(member[ids.size()]);
  return next;
}

std::set<TokenId> allowed_set(const Constraint& constraint, TokenId vocabulary_size) {
  const TokenMask mask = constraint.allowed();
  std::set<TokenId> set;
  for (TokenId token = 0; token < vocabulary_size; ++token)
    if (mask.allows(token)) set.insert(token);
  return set;
}

// Follows every member of at most 5 tokens; languages are finite there, so that members of 7 tokens
// are all that can come of them.
void expect_exact(const TokenText& text, const std::shared_ptr<const Constraint>& constraint,
                  const std::string& pattern) {
  const std::regex expected(pattern);
  const std::vector<Ids> all = members(text, expected, 7);
  ASSERT_FALSE(all.empty());
  std::set<Ids> seen;
  for (const Ids& member : all) {
    const auto at = constraint->clone();
    for (std::size_t i = 0; i <= member.size(); ++i) {
      const Ids ids(member.begin(), member.begin() + static_cast<std::ptrdiff_t>(i));
      if (seen.insert(ids).second) {
        ASSERT_EQ(allowed_set(*at, text.vocabulary_size()), continuations(all, ids));
        const bool is_member = std::find(all.begin(), all.end(), ids) != all.end();
        ASSERT_EQ(at->can_end(), is_member);
      }
      if (i < member.size()) at->advance(member[i]);
    }
  }
}

TEST(TextConstraint, AllowsExactlyWhatTokensCanComplete) {
  const std::vector<std::vector<std::string>> vocabularies = {
      {"a", "b", "ab", "ba", "bb"},  {"ab", "ba", "abb"},  // no single letters
      {"_", "_a", "a", "_ab", "b"},                        // a blank, and dropped spaces
      {"_a", "_b", "ab", "a_", "_"}, {"aa", "aab", "c"},
  };
  const char* const patterns[] = {"a{1,3}b?",  "(ab|ba){1,2}", "a ?b",    "(a|b){2,3}", "[^c]{3}",
                                  "(aa|ab)b?", "a b",          "(a|ab)c", "a?b?a?b?"};
  int exact = 0;
  for (const auto& pieces : vocabularies) {
    const auto text = toy_text(pieces);
    for (const char* pattern : patterns) {
      SCOPED_TRACE(pieces.front() + " " + pattern);
      std::shared_ptr<const Constraint> constraint;
      try {
        constraint = make_regex_constraint(text, pattern);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsatisfiable);
        EXPECT_TRUE(members(*text, std::regex(pattern), 6).empty());
        continue;
      }
      expect_exact(*text, constraint, pattern);
      ++exact;
    }
  }
  EXPECT_GT(exact, 25);
}

TEST(TextConstraint, AGrammarAndARegularExpressionOfOneLanguageAreOne) {
  const auto text = toy_text({"_", "_a", "a", "ab", "b", "ba"});
  const auto grammar = make_grammar_constraint(text, "root ::= pair{1,2}\npair ::= 'a' 'b' | 'ba'");
  expect_exact(*text, grammar, "(ab|ba){1,2}");
}

TEST(TextConstraint, ACertainTokenIsForcedAndNoOther) {
  const auto text = toy_text({"a", "b", "c", "ab", "_c"});
  // "b" may follow "a", or "ab" come at once: nothing is certain.
  EXPECT_TRUE(make_regex_constraint(text, "abc")->forced_run().empty());
  const auto certain = make_regex_constraint(text, "bcbb(a|b)");
  EXPECT_EQ(certain->forced_run(), (Ids{4, 5, 4, 4}));
  // In front "c" and "_c" write the same.
  EXPECT_TRUE(make_regex_constraint(text, "cb")->forced_run().empty());
  // Behind "bb" the text may end.
  EXPECT_EQ(make_regex_constraint(text, "bb(bb)?")->forced_run(), (Ids{4, 4}));
}

TEST(TextConstraint, WithEveryByteAsATokenNothingIsUnwritable) {
  std::vector<TokenBytes> tokens(3);
  for (int byte = 0; byte < 256; ++byte) {
    TokenBytes token;
    token.first = token.middle = std::string(1, static_cast<char>(byte));
    token.is_text = true;
    tokens.push_back(token);
  }
  const auto text = std::make_shared<const TokenText>(std::move(tokens));
  const auto constraint = make_regex_constraint(text, "\xE2\x82\xAC\xC3\xA9|\U0001F600");
  EXPECT_EQ(allowed_set(*constraint, 300), (std::set<TokenId>{3 + 0xE2, 3 + 0xF0}));
  const auto at = constraint->clone();
  EXPECT_TRUE(at->forced_run().empty());
  at->advance(3 + 0xE2);
  EXPECT_EQ(at->forced_run(), (Ids{3 + 0x82, 3 + 0xAC, 3 + 0xC3, 3 + 0xA9}));
}

TEST(TextConstraint, WhatTheVocabularyCannotWriteIsUnsatisfiable) {
  const auto text = toy_text({"_a", "b"});
  expect_error([&] { make_regex_constraint(text, "c+"); }, ErrorCode::unsatisfiable, "vocabulary");
  expect_error([&] { make_regex_constraint(text, " a"); }, ErrorCode::unsatisfiable, "vocabulary");
  expect_error([&] { make_regex_constraint(text, "ab[^\\s\\S]"); }, ErrorCode::unsatisfiable,
               "empty");
  // Behind "a" only "c" could follow: "a" is not allowed.
  EXPECT_EQ(allowed_set(*make_regex_constraint(text, "ac|b+"), 5), (std::set<TokenId>{4}));
}

// The states are thrown away and made anew behind the back of running outputs.
TEST(TextConstraint, ForgettingStatesChangesNothing) {
  const auto text = toy_text({"a", "b", "ab", "ba", "abba"});
  const std::string pattern = "(a|b)*a(a|b){13}";  // 2^14 states
  const auto kept = make_regex_constraint(text, pattern);
  std::vector<std::unique_ptr<Constraint>> outputs;
  Random random(1);
  for (int i = 0; i < 40; ++i) outputs.push_back(kept->clone());
  std::vector<std::string> texts(outputs.size());
  for (int step = 0; step < 1500; ++step) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const TokenId token = random.number(3, 7);
      ASSERT_TRUE(outputs[i]->allowed().allows(token));
      outputs[i]->advance(token);
      texts[i] += (*text)[token].middle;
      const bool ends = texts[i].size() >= 14 && texts[i][texts[i].size() - 14] == 'a';
      ASSERT_EQ(outputs[i]->can_end(), ends);
    }
  }
}

TEST(TextConstraint, ThreadsShareOneConstraint) {
  const auto text = toy_text({"a", "b", "ab", "_", "_a", "1", "2", "12"});
  const auto constraint = make_regex_constraint(text, "([ab]{1,20} ?)*1(1|2)*");
  std::vector<std::thread> threads;
  std::vector<std::string> results(4);
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      Random random(7);
      const auto at = constraint->clone();
      for (int step = 0; step < 300; ++step) {
        const TokenMask mask = at->allowed();
        std::vector<TokenId> tokens;
        for (TokenId token = 0; token < text->vocabulary_size(); ++token)
          if (mask.allows(token)) tokens.push_back(token);
        const TokenId token =
            tokens[static_cast<std::size_t>(random.number(0, static_cast<int>(tokens.size()) - 1))];
        at->advance(token);
        results[i] += std::to_string(token) + (at->can_end() ? "." : ",");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) EXPECT_EQ(result, results[0]);
}

TEST(TextConstraint, StepsOfHostilePatternsAreBounded) {
  std::vector<std::string> pieces;
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string piece;
    for (int n = random.number(1, 12); n > 0; --n)
      piece += static_cast<char>(random.number('a', 'e'));
    pieces.push_back(piece);
  }
  const auto text = toy_text(pieces);
  // All states of these would never end.
  for (const char* pattern :
       {"(.*a.{30}|.*b.{29}){2}", "(.{0,500}){3}", "((a|aa|b|ab)*c?)*[de]*"}) {
    const auto at = make_regex_constraint(text, pattern)->clone();
    for (int step = 0; step < 8; ++step) {
      const TokenMask mask = at->allowed();
      TokenId token = 3;
      while (token < text->vocabulary_size() && !mask.allows(token)) ++token;
      ASSERT_LT(token, text->vocabulary_size()) << pattern << ", step " << step;
      at->advance(token);
    }
  }
}

TEST(SplitWords, BeginAtSpaces) {
  const auto text = toy_text({"_a", "b", "_", "_c"});
  const std::vector<TokenId> tokens{4, 3, 4, 5, 4, 6, 4};
  EXPECT_EQ(split_words(*text, tokens), (std::vector<Ids>{{4}, {3, 4}, {5, 4}, {6, 4}}));
}

}  // namespace
}  // namespace tandem::testing
