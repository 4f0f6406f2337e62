#include "base/utf8.h"

#include <algorithm>

namespace tandem {
namespace {

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

bool is_scalar_value(char32_t c) {
  return c < 0xD800 || (c >= 0xE000 && c <= 0x10FFFF);
}

// The smallest code point that needs so many bytes; below it a sequence is overlong.
constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

}  // namespace

Utf8Char first_char(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = announced_bytes(text[0]);
  if (length == 1 || lead > 0xF7 || text.size() < length) return {};
  char32_t c = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (!is_continuation(byte)) return {};
    c = (c << 6) | (byte & 0x3Fu);
  }
  if (c < kSmallest[length] || !is_scalar_value(c)) return {};
  return {c, length, true};
}

bool is_valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Char c = first_char(text);
    if (!c.valid) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

void append_utf8(std::string& text, char32_t code_point) {
  const char32_t c = is_scalar_value(code_point) ? code_point : kReplacementCharacter;
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string with_replacements(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = first_char(text);
    out += c.valid ? text.substr(0, c.bytes) : kReplacementUtf8;
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace tandem
