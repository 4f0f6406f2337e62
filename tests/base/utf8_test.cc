#include "base/utf8.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Utf8, EveryScalarValueSurvivesARoundTrip) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append_utf8(text, c);
    const Utf8Char read = first_char(text);
    ASSERT_TRUE(read.valid);
    ASSERT_EQ(read.code_point, c);
    ASSERT_EQ(read.bytes, text.size());
    ASSERT_EQ(announced_bytes(text[0]), text.size());
  }
}

TEST(Utf8, CodePointsThatCannotBeWrittenAreWrittenAsU_FFFD) {
  for (const char32_t c : {char32_t{0xD800}, char32_t{0xDFFF}, char32_t{0x110000}}) {
    std::string text;
    append_utf8(text, c);
    EXPECT_EQ(text, kReplacementUtf8);
  }
}

TEST(Utf8, EachByteThatBelongsToNoCharacterIsReplaced) {
  const struct {
    std::string_view bytes;
    int replacements;
  } cases[] = {
      {"\xFF", 1},
      {"\x80", 1},
      {"\xC3", 1},
      {"\xC0\xAF", 2},
      {"\xE0\x80\xAF", 3},
      {"\xED\xA0\x80", 3},  // overlong, surrogate
      {"\xF4\x90\x80\x80", 4},
      {"\xF0\x9F\x98", 3},
      {"\xF8\x88\x80\x80\x80", 5},
  };
  for (const auto& test : cases) {
    std::string expected = "a";
    for (int i = 0; i < test.replacements; ++i) expected += kReplacementUtf8;
    const std::string text = "a" + std::string(test.bytes) + "é";
    EXPECT_EQ(with_replacements(text), expected + "é");
    EXPECT_FALSE(is_valid_utf8(text));
    EXPECT_TRUE(is_valid_utf8(with_replacements(text)));
  }
}

TEST(Utf8, ValidTextIsLeftAlone) {
  const std::string text = std::string("NUL ") + '\0' + " é ▁ 😀 \xEF\xBF\xBD";
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(with_replacements(text), text);
}

// Streaming: what is shown early must be what the whole text shows there.
TEST(Utf8, ACompletePrefixDecodesAsItDoesInAnyLongerText) {
  // All strings of up to four bytes from those that decide how UTF-8 is read.
  constexpr std::string_view kBytes = "a\x80\x90\xA0\xC1\xC3\xE0\xE3\xED\xF0\xF4\xF5";
  std::string text;
  const auto check = [&] {
    const std::size_t complete = complete_prefix(text);
    ASSERT_LE(complete, text.size());
    const std::string shown = with_replacements(std::string_view(text).substr(0, complete));
    for (const std::string_view more :
         {"", "a", "\x80", "\x80\x80", "\x80\x80\x80", "\xBF\xBF", "\xE3"})
      ASSERT_TRUE(with_replacements(text + std::string(more)).starts_with(shown));
    // Nothing is held back without reason: some continuation makes a character of what is left.
    if (complete == text.size()) return;
    bool completed = false;
    for (const std::string_view more :
         {"\x80", "\x80\x80", "\x80\x80\x80", "\xA0\x80", "\x90\x80\x80"})
      completed |= is_valid_utf8(text.substr(complete) + std::string(more));
    ASSERT_TRUE(completed);
  };
  for (const char a : kBytes)
    for (const char b : kBytes)
      for (const char c : kBytes)
        for (const char d : kBytes) {
          text = {a, b, c, d};
          ASSERT_NO_FATAL_FAILURE(check());
        }
  for (const std::string_view whole : {"", "a", "é", "\xE3", "\xE3\x81", "\xF0\x9F\x98"}) {
    text = whole;
    ASSERT_NO_FATAL_FAILURE(check());
  }
  EXPECT_EQ(complete_prefix("a\xF0\x9F\x98"), 1u);
  EXPECT_EQ(complete_prefix("aé"), 3u);
}

}  // namespace
}  // namespace tandem
