// UTF-8 as the engine reads it: whole characters, and every byte that belongs to none is U+FFFD.
//
// A character is a shortest-form sequence for U+0000..U+D7FF or U+E000..U+10FFFF (Unicode 3.9,
// table 3-7). Where none begins, one byte is taken and stands for U+FFFD, which is what
// SentencePiece does; the WHATWG decoder takes the longest truncated sequence instead and so gives
// fewer of them. All functions are linear, allocate nothing beyond their result, and accept any
// bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;
inline constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

struct Utf8Char {
  char32_t code_point = kReplacementCharacter;
  std::size_t bytes = 1;
  bool valid = false;  // false: one byte that is not UTF-8, read as U+FFFD
};

// The character at the start of `text`, which must not be empty.
Utf8Char first_char(std::string_view text) noexcept;

// The length that a leading byte announces (1 to 4; 1 for a continuation byte), whatever follows.
// Only for text that is known to be valid, or where landing inside a character is harmless.
inline std::size_t announced_bytes(char lead) noexcept {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool is_valid_utf8(std::string_view text) noexcept;

// `code_point` must be one that UTF-8 can hold; others are written as U+FFFD.
void append_utf8(std::string& text, char32_t code_point);

// `text` with every byte that is not UTF-8 replaced by U+FFFD.
std::string with_replacements(std::string_view text);

}  // namespace tandem
