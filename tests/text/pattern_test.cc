#include "text/pipeline/pattern.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem::pipeline {
namespace {

Pattern expression(const std::string& text) {
  return Pattern::parse(nlohmann::json{{"Regex", text}}, "here");
}

TEST(Pattern, ReplacesEveryMatchOfTheExpressionsThatOccur) {
  EXPECT_EQ(expression(" {2,}").replace("a b  c    d", "_"), "a b_c_d");
  EXPECT_EQ(expression(R"(\s+)").replace("a \t\xE3\x80\x80z ", "_"), "a_z_");
  EXPECT_EQ(expression("[0-9]").replace("a12", "#"), "a##");
  EXPECT_EQ(expression(R"(\d+)").replace("a12\xD9\xA1", "#"), "a#");  // an Arabic digit too
  EXPECT_EQ(expression(R"(\n)").replace("a\n\nb", " "), "a  b");
  EXPECT_EQ(expression("\xE2\x96\x81+").replace("\xE2\x96\x81\xE2\x96\x81x", " "), " x");
  EXPECT_EQ(Pattern::literal("ab").replace("aabab", ""), "a");
}

TEST(Pattern, RangesCoverTheTextInOrder) {
  const std::string text = "  a12\xC3\xA9 3";
  for (const char* spelling : {R"(\s)", R"(\d+)", " {2,}", "a1"}) {
    std::size_t at = 0;
    for (const Pattern::Range& range : expression(spelling).ranges(text)) {
      EXPECT_EQ(range.begin, at);
      EXPECT_LT(range.begin, range.end);
      at = range.end;
    }
    EXPECT_EQ(at, text.size()) << spelling;
  }
}

TEST(Pattern, AnyOtherExpressionIsUnsupportedByName) {
  for (const char* text : {"(a+)+$", "a|b", "[a-z]", "a{3,7}", ".*", "(?i)x", "a*", "^ "}) {
    try {
      expression(text);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::unsupported);
      EXPECT_THAT(e.message(), testing::HasSubstr(text));
    }
  }
}

}  // namespace
}  // namespace tandem::pipeline
