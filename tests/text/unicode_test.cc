#include "text/unicode.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace tandem::unicode {
namespace {

// Unicode 15.0, chapter 3, table 3-8, and the WHATWG decoder: one U+FFFD for each maximal part.
TEST(DecodeLossy, GivesOneReplacementForEachMaximalPart) {
  const std::string r(kReplacementUtf8);
  EXPECT_EQ(decode_lossy("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(decode_lossy("\xE6\x97"), r);
  EXPECT_EQ(decode_lossy("\xC0\xAF"), r + r);
  EXPECT_EQ(decode_lossy("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(decode_lossy("\xF4\x90\x80\x80"), r + r + r + r);
  EXPECT_EQ(decode_lossy("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
}

TEST(DecodeLossy, KeepsTextThatIsWhole) {
  const std::string text("a\0b \xC3\xA9 \xE2\x96\x81", 10);
  EXPECT_EQ(decode_lossy(text), text);
  EXPECT_EQ(decode_ignoring_errors(text), text);
}

TEST(DecodeIgnoringErrors, LeavesBrokenCharactersOut) {
  EXPECT_EQ(decode_ignoring_errors("a\xE6\x97 b\xFF"), "a b");
}

TEST(NormalForm, FollowsAnnex15) {
  EXPECT_EQ(normalize("e\xCC\x81", NormalForm::c), "\xC3\xA9");
  EXPECT_EQ(normalize("\xC3\xA9", NormalForm::d), "e\xCC\x81");
  EXPECT_EQ(normalize("\xEF\xAC\x81", NormalForm::kc), "fi");
  EXPECT_EQ(normalize("\xEF\xAC\x81", NormalForm::c), "\xEF\xAC\x81");
  EXPECT_EQ(normalize(std::string_view("a\0b", 3), NormalForm::c), std::string_view("a\0b", 3));
}

TEST(ToLower, TakesTheFullLowerCaseOfEachCharacter) {
  EXPECT_EQ(to_lower("\xC3\x84\xC4\xB0Z"), "\xC3\xA4i\xCC\x87z");  // Ä, dotted I, Z
  EXPECT_EQ(to_lower("\xCE\xA3"), "\xCF\x83");                     // sigma, also at an end
}

TEST(FirstGrapheme, KeepsMarksJoinersAndLineEndsTogether) {
  EXPECT_EQ(first_grapheme("a\xCC\x81\xCC\x81x"), 5u);
  EXPECT_EQ(first_grapheme("\r\nx"), 2u);
  EXPECT_EQ(first_grapheme("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC!"), 11u);  // a scientist
}

TEST(Strip, StopsAtTheFirstCharacterThatStays) {
  EXPECT_EQ(strip_front(" \xE3\x80\x80\ta b ", is_white_space), "a b ");
  EXPECT_EQ(strip_back("a b \xC2\xA0\n", is_white_space), "a b");
  EXPECT_EQ(strip_back(" \t ", is_white_space), "");
}

}  // namespace
}  // namespace tandem::unicode
