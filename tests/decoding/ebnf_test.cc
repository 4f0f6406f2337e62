// Grammars: what they derive, and what is refused.
#include "decoding/constraints/ebnf.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/grammar_language.h"

namespace tandem::testing {
namespace {

// sum ::= term ("+" term)*, term ::= "1" | "(" sum ")": descends the text by hand.
bool is_sum(std::string_view text) {
  std::size_t at = 0;
  std::function<bool()> sum, term;
  term = [&] {
    if (at < text.size() && text[at] == '1') return ++at, true;
    if (at >= text.size() || text[at] != '(') return false;
    ++at;
    if (!sum() || at >= text.size() || text[at] != ')') return false;
    return ++at, true;
  };
  sum = [&] {
    if (!term()) return false;
    while (at < text.size() && text[at] == '+') {
      ++at;
      if (!term()) return false;
    }
    return true;
  };
  return sum() && at == text.size();
}

TEST(Ebnf, DerivesExactlyTheTextsOfTheGrammar) {
  Language language(parse_ebnf(R"g(
    # Recursive, with the start rule behind another one.
    term ::= "1" | '(' root ')'
    root ::= term ("+" term)*
  )g"));
  int members = 0;
  for (const std::string& text : all_strings("1+()", 7)) {
    ASSERT_EQ(language.contains(text), is_sum(text)) << text;
    members += is_sum(text) ? 1 : 0;
  }
  EXPECT_EQ(members, 22);
}

TEST(Ebnf, CountsBracketsThatNoRegularExpressionCounts) {
  Language language(parse_ebnf(R"(root ::= "a" root "b" | "")"));
  for (const std::string& text : all_strings("ab", 10)) {
    const std::size_t half = text.size() / 2;
    const bool expected =
        text == std::string(half, 'a') + std::string(half, 'b') && text.size() % 2 == 0;
    ASSERT_EQ(language.contains(text), expected) << text;
  }
  EXPECT_TRUE(language.contains(std::string(500, 'a') + std::string(500, 'b')));
}

TEST(Ebnf, RightRecursionNeedsNoDepth) {
  Language language(parse_ebnf(R"(list ::= "a" list | "b")"));
  EXPECT_TRUE(language.contains(std::string(100'000, 'a') + "b"));
}

TEST(Ebnf, NestingEndsAtItsBound) {
  Language language(parse_ebnf(R"g(root ::= "(" root ")" | "x")g"));
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "x" + std::string(depth, ')');
  };
  EXPECT_TRUE(language.contains(nested(Automaton::kMostDepth)));
  EXPECT_FALSE(language.contains(nested(Automaton::kMostDepth + 1)));
}

TEST(Ebnf, AllKindsOfTerminals) {
  Language language(parse_ebnf("a ::= [0-9]{2} \"\\\"\\n\" /x\\/[yz]+/ 'it''s' b? ; b ::= \"é\""));
  EXPECT_TRUE(language.contains("07\"\nx/zyits"));
  EXPECT_TRUE(language.contains("07\"\nx/zyitsé"));
  EXPECT_FALSE(language.contains("7\"\nx/zyits"));
}

TEST(Ebnf, EmptyRulesInFrontAreLookedThrough) {
  Language language(parse_ebnf(R"(
    root ::= space? item (space item)* space?
    space ::= " "*
    item ::= "x"
  )"));
  EXPECT_TRUE(language.contains("  x x  "));
  EXPECT_FALSE(language.contains("  "));
}

struct Refusal {
  const char* ebnf;
  ErrorCode code;
  const char* named;
};

TEST(Ebnf, RefusesWithTheLine) {
  const Refusal refusals[] = {
      {"", ErrorCode::invalid_argument, "line 1: a rule was expected"},
      {"a ::= b", ErrorCode::invalid_argument, "the rule 'b' is not defined"},
      {"a ::= 'x'\na ::= 'y'", ErrorCode::invalid_argument,
       "line 2: the rule 'a' is defined twice"},
      {"a = 'x'", ErrorCode::invalid_argument, "::= was expected"},
      {"a ::= 'x", ErrorCode::invalid_argument, "a literal has no end"},
      {"a ::= ('x'", ErrorCode::invalid_argument, "a ) was expected"},
      {"a ::= 'x'\n)", ErrorCode::invalid_argument, "line 2: the name of a rule"},
      {"a ::= 'x'{2,1}", ErrorCode::invalid_argument, "from less to more"},
      {"a ::= /x", ErrorCode::invalid_argument, "regular expression has no end"},
      {"a ::= /(?=x)/", ErrorCode::unsupported, "look-around"},
      {"a ::= a 'x' | 'y'", ErrorCode::unsupported, "rule a may begin with itself"},
      {"a ::= b 'x'\nb ::= c? a", ErrorCode::unsatisfiable, "empty"},
      {"a ::= b 'x'\nb ::= c? a | 'y'\nc ::= 'z'*", ErrorCode::unsupported, "left recursion"},
      {"a ::= '(' a ')'", ErrorCode::unsatisfiable, "language is empty"},
      {"a ::= 'x'{99999}", ErrorCode::resource_exhausted, "10000 repetitions"},
      {"a ::= \"\xFF\"", ErrorCode::invalid_argument, "no UTF-8"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.ebnf);
    const auto compile = [&] {
      std::string text = refusal.ebnf;
      if (text.find("c?") != text.npos && text.find("c ::=") == text.npos) text += "\nc ::= 'z'";
      Network::compile(parse_ebnf(text));
    };
    expect_error(compile, refusal.code, refusal.named);
  }
}

TEST(Ebnf, AmbiguityIsBounded) {
  // The number of ways to read n letters grows exponentially; the places are cut off.
  Language language(parse_ebnf(R"(root ::= "a" root | "a" root "b" root "b" | "a")"));
  EXPECT_TRUE(language.contains(std::string(3, 'a')));
  language.contains(std::string(200, 'a'));
}

}  // namespace
}  // namespace tandem::testing
