// Patterns as constraints mean what they mean to std::regex, on all short strings.
#include "decoding/constraints/regex.h"

#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "support/expect_error.h"
#include "support/grammar_language.h"

namespace tandem::testing {
namespace {

Grammar grammar_of(const std::string& pattern, const RegexRules& rules = {}) {
  Grammar grammar;
  const Grammar::Rule root = grammar.add_rule("root");
  grammar.define(root, parse_regex(grammar, pattern, rules));
  return grammar;
}

const char* const kPatterns[] = {
    "a",         "",        "ab|b",       "(a|b)*0",   "a+b?",     "a{2,3}b",
    "(ab){1,2}", "[ab]*",   "[^a]b",      "a.b",       "(a|aa)*b", "((a*)*)*",
    "a{0}b",     "a{2}",    "a{2,}",      "\\d+",      "\\D+",     "\\w*-\\w",
    "[a-b0]{3}", "(a|b|)0", "(?:ab|ba)+", "a*?b+?",    "-?(0|a)",  "[\\d-]+",
    "[-a]b",     "[a-]b",   "a\\-b",      "\\.|a",     "[^\\w]",   "(a(b(0)?)?)?",
    "a|b|0|-",   "()a()",   "(a?){3}",    "(a|b){2}-", "^ab$",     "^a|b$",
    "[ab][0-]",  "\\x61b",  "\\u0061{2}",
};

TEST(Regex, MatchesWhatStdRegexMatches) {
  const auto texts = all_strings("ab0-", 6);
  for (const char* pattern : kPatterns) {
    SCOPED_TRACE(pattern);
    Language language(grammar_of(pattern));
    const std::regex expected(pattern);
    for (const std::string& text : texts)
      ASSERT_EQ(language.contains(text), std::regex_match(text, expected)) << text;
  }
}

TEST(Regex, SearchedPatternsMatchAnywhereBetweenTheirAnchors) {
  const auto texts = all_strings("ab0-", 5);
  RegexRules rules;
  rules.is_searched = true;
  for (const char* pattern : kPatterns) {
    SCOPED_TRACE(pattern);
    Language language(grammar_of(pattern, rules));
    const std::regex expected(pattern);
    for (const std::string& text : texts)
      ASSERT_EQ(language.contains(text), std::regex_search(text, expected)) << text;
  }
}

TEST(Regex, ClassesAreSetsOfUnicodeCharacters) {
  Language letters(grammar_of("[à-üЖ\U0001F600-\U0001F64F]+"));
  EXPECT_TRUE(letters.contains("éЖ\U0001F610"));
  EXPECT_FALSE(letters.contains("e"));
  EXPECT_FALSE(letters.contains("É"));
  EXPECT_FALSE(letters.contains("\xC3"));
  Language others(grammar_of("[^a]"));
  EXPECT_TRUE(others.contains("é"));
  EXPECT_TRUE(others.contains("\U0010FFFF"));
  EXPECT_FALSE(others.contains("a"));
  EXPECT_FALSE(others.contains("\xED\xA0\x80")) << "a surrogate is no UTF-8";
  EXPECT_FALSE(others.contains("\xFF"));
  Language dot(grammar_of("."));
  EXPECT_FALSE(dot.contains("\n"));
  EXPECT_TRUE(dot.contains("\xE2\x82\xAC"));
}

// Each range against the characters one by one.
TEST(CodePoints, BecomeExactlyTheirUtf8) {
  const CodePoints::Range ranges[] = {{0, 0x10FFFF},    {0x7F, 0x80},       {0x7FF, 0x800},
                                      {0x41, 0x3FF},    {0xD000, 0xE001},   {0xFFFF, 0x10000},
                                      {0x123, 0x12345}, {0x3FFFF, 0x40000}, {0x10FFFF, 0x10FFFF}};
  for (const auto& [low, high] : ranges) {
    const auto sequences = CodePoints{{low, high}}.utf8();
    for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x1000 || (c & 0xFFF) > 0xFFC ? 1 : 3) {
      std::string bytes;
      append_utf8(bytes, c);
      if (c >= 0xD800 && c < 0xE000) continue;
      int matches = 0;
      for (const auto& sequence : sequences) {
        bool is_match = sequence.size() == bytes.size();
        for (std::size_t i = 0; is_match && i < bytes.size(); ++i) {
          const auto byte = static_cast<std::uint8_t>(bytes[i]);
          is_match = sequence[i].low <= byte && byte <= sequence[i].high;
        }
        matches += is_match ? 1 : 0;
      }
      ASSERT_EQ(matches, low <= c && c <= high ? 1 : 0) << static_cast<std::uint32_t>(c);
    }
  }
}

TEST(CodePoints, ComplementAndUnionAreSetOperations) {
  CodePoints set{{U'a', U'c'}, {U'x', U'z'}, {U'd', U'e'}};
  EXPECT_EQ(set.ranges().size(), 2U);
  set.add(U'f', U'w');
  EXPECT_EQ(set.ranges(), (std::vector<CodePoints::Range>{{U'a', U'z'}}));
  const CodePoints rest = set.complement();
  EXPECT_EQ(rest.complement().ranges(), set.ranges());
  EXPECT_TRUE(CodePoints({{0, 0x10FFFF}}).complement().empty());
  EXPECT_EQ(CodePoints().complement().ranges(), (std::vector<CodePoints::Range>{{0, 0x10FFFF}}));
}

struct Refusal {
  const char* pattern;
  ErrorCode code;
  const char* named;
};

TEST(Regex, RefusesWhatItDoesNotKnowAndSaysWhere) {
  const Refusal refusals[] = {
      {"a(?=b)", ErrorCode::unsupported, "at byte 3: look-around"},
      {"(?<!a)b", ErrorCode::unsupported, "look-around"},
      {"(a)\\1", ErrorCode::unsupported, "at byte 4: a back-reference"},
      {"(?P<n>a)(?P=n)", ErrorCode::unsupported, "kind of group"},
      {"(?i)a", ErrorCode::unsupported, "kind of group"},
      {"\\bword", ErrorCode::unsupported, "a word boundary"},
      {"\\p{L}", ErrorCode::unsupported, "a Unicode property"},
      {"[[:alpha:]]", ErrorCode::unsupported, "a POSIX class"},
      {"a++", ErrorCode::unsupported, "possessive"},
      {"a^b", ErrorCode::unsupported, "an anchor inside"},
      {"(^a)", ErrorCode::unsupported, "an anchor inside"},
      {"a$b", ErrorCode::unsupported, "an anchor inside"},
      {"(a", ErrorCode::invalid_argument, "a ) was expected"},
      {"a)", ErrorCode::invalid_argument, "at byte 1: a ) without"},
      {"[a", ErrorCode::invalid_argument, "more was expected"},
      {"[]", ErrorCode::invalid_argument, "a class is empty"},
      {"[b-a]", ErrorCode::invalid_argument, "from a lower to a higher"},
      {"[\\d-x]", ErrorCode::invalid_argument, "from a lower to a higher"},
      {"*a", ErrorCode::invalid_argument, "nothing to repeat"},
      {"a**", ErrorCode::invalid_argument, "nothing to repeat"},
      {"a{3,2}", ErrorCode::invalid_argument, "from less to more"},
      {"a\\", ErrorCode::invalid_argument, "a backslash ends"},
      {"\\xg0", ErrorCode::invalid_argument, "hexadecimal"},
      {"\\u{110000}", ErrorCode::invalid_argument, "10FFFF"},
      {"\xC3", ErrorCode::invalid_argument, "no UTF-8"},
      {"a{10001}", ErrorCode::resource_exhausted, "10000 repetitions"},
      {"a{99999999999999999999}", ErrorCode::resource_exhausted, "10000 repetitions"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.pattern);
    expect_error([&] { grammar_of(refusal.pattern); }, refusal.code, refusal.named);
  }
}

TEST(Regex, BlowUpsAreRefusedOrHarmless) {
  const auto compile = [](const std::string& pattern) { Network::compile(grammar_of(pattern)); };
  for (const char* pattern : {"(.{0,1000}){100}", "((((a{1000}){1000}){1000}){1000}){1000}",
                              "(((()+){10000}){10000}){10000}"})
    expect_error([&] { compile(pattern); }, ErrorCode::resource_exhausted, "states");
  expect_error([&] { compile(std::string(150, '(') + "a" + std::string(150, ')')); },
               ErrorCode::resource_exhausted, "nested");
  expect_error([&] { compile(std::string(1 << 20, 'a')); }, ErrorCode::resource_exhausted, "parts");
  // Where a backtracking matcher would never end, and a complete automaton would have 2^40 states.
  Language nested(grammar_of("((a|aa)*|a*)*b"));
  EXPECT_TRUE(nested.contains(std::string(5000, 'a') + "b"));
  EXPECT_FALSE(nested.contains(std::string(5000, 'a')));
  Language wide(grammar_of(".*a.{40}"));
  EXPECT_TRUE(wide.contains(std::string(300, 'a')));
}

TEST(Regex, ALanguageWithoutTextsIsUnsatisfiable) {
  expect_error([] { Network::compile(grammar_of("a[^\\s\\S]")); }, ErrorCode::unsatisfiable,
               "language is empty");
}

}  // namespace
}  // namespace tandem::testing
