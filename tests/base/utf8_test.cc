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

}  // namespace
}  // namespace tandem
