#include "text/character_class.h"

#include <cstddef>

#include "base/utf8.h"

namespace tandem {
namespace {

bool within(char32_t c, char32_t first, char32_t last) {
  return c >= first && c <= last;
}

// Blocks where an upper-case letter (even) is followed by its lower case (odd), and those where it
// is the other way round.
bool upper_is_even(char32_t c) {
  return within(c, 0x100, 0x137) || within(c, 0x14A, 0x177) || within(c, 0x1DE, 0x1EF) ||
         within(c, 0x1F8, 0x233) || within(c, 0x370, 0x373) || within(c, 0x3D8, 0x3EF) ||
         within(c, 0x460, 0x481) || within(c, 0x48A, 0x4BF) || within(c, 0x4D0, 0x52F) ||
         within(c, 0x1E00, 0x1E95) || within(c, 0x1EA0, 0x1EFF);
}
bool upper_is_odd(char32_t c) {
  return within(c, 0x139, 0x148) || within(c, 0x179, 0x17E) || within(c, 0x1CD, 0x1DC) ||
         within(c, 0x4C1, 0x4CE);
}

}  // namespace

bool is_space(char32_t c) noexcept {
  return within(c, 0x09, 0x0D) || within(c, 0x1C, 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         within(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_upper(char32_t c) noexcept {
  if (c < 0x80) return within(c, 'A', 'Z');
  if (within(c, 0xC0, 0xDE)) return c != 0xD7;
  if (upper_is_even(c)) return c % 2 == 0;
  if (upper_is_odd(c)) return c % 2 == 1;
  return c == 0x178 || within(c, 0x386, 0x38F) || within(c, 0x391, 0x3AB) ||
         within(c, 0x400, 0x42F) || c == 0x4C0 || within(c, 0x531, 0x556) || c == 0x1E9E;
}

bool is_lower(char32_t c) noexcept {
  if (c < 0x80) return within(c, 'a', 'z');
  if (within(c, 0xDF, 0xFF)) return c != 0xF7;
  if (upper_is_even(c)) return c % 2 == 1;
  if (upper_is_odd(c)) return c % 2 == 0;
  return c == 0xB5 || c == 0x138 || c == 0x149 || c == 0x17F || within(c, 0x3AC, 0x3CE) ||
         c == 0x390 || within(c, 0x430, 0x45F) || c == 0x4CF || within(c, 0x561, 0x587) ||
         within(c, 0x1E96, 0x1E9D);
}

bool is_digit(char32_t c) noexcept {
  return within(c, '0', '9') || within(c, 0xFF10, 0xFF19);
}

std::string_view strip(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Char c = first_char(text);
    if (!is_space(c.code_point)) break;
    text.remove_prefix(c.bytes);
  }
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && (text[start] & 0xC0) == 0x80) --start;
    const Utf8Char c = first_char(text.substr(start));
    if (!is_space(c.code_point) || c.bytes != text.size() - start) break;
    text.remove_suffix(c.bytes);
  }
  return text;
}

}  // namespace tandem
