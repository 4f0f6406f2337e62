#include "text/unicode.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include <utf8proc.h>

#include <tandem/error.h>

#include "base/utf8.h"

namespace tandem::unicode {
namespace {

utf8proc_category_t category(char32_t c) noexcept {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool between(char32_t c, char32_t first, char32_t last) noexcept {
  return first <= c && c <= last;
}

// Circled and squared letters: symbols by category, yet Alphabetic (PropList, Other_Alphabetic).
bool is_enclosed_letter(char32_t c) noexcept {
  return between(c, 0x24B6, 0x24E9) || between(c, 0x1F130, 0x1F149) ||
         between(c, 0x1F150, 0x1F169) || between(c, 0x1F170, 0x1F189);
}

// How many bytes at the front of `bytes` are one broken character: what could still become a
// character, at least one byte.
std::size_t broken_part(std::string_view bytes) noexcept {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0xC2 || lead > 0xF4) return 1;
  // The second byte is bounded so that overlong forms, surrogates and values above U+10FFFF end.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  const std::size_t most = std::min(announced_bytes(bytes[0]), bytes.size());
  std::size_t length = 1;
  for (; length < most; ++length) {
    const unsigned byte = static_cast<unsigned char>(bytes[length]);
    if (length == 1 ? byte < low || byte > high : byte < 0x80 || byte > 0xBF) break;
  }
  return length;
}

std::string decode(std::string_view bytes, std::string_view substitute) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Char c = first_char(bytes);
    const std::size_t length = c.valid ? c.bytes : broken_part(bytes);
    text += c.valid ? bytes.substr(0, length) : substitute;
    bytes.remove_prefix(length);
  }
  return text;
}

}  // namespace

bool is_letter(char32_t c) noexcept {
  const auto k = category(c);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t c) noexcept {
  const auto k = category(c);
  return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}

bool is_mark(char32_t c) noexcept {
  const auto k = category(c);
  return k >= UTF8PROC_CATEGORY_MN && k <= UTF8PROC_CATEGORY_ME;
}

bool is_nonspacing_mark(char32_t c) noexcept {
  return category(c) == UTF8PROC_CATEGORY_MN;
}

bool is_punctuation(char32_t c) noexcept {
  if (c < 0x80)
    return between(c, 0x21, 0x2F) || between(c, 0x3A, 0x40) || between(c, 0x5B, 0x60) ||
           between(c, 0x7B, 0x7E);
  const auto k = category(c);
  return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

bool is_invisible(char32_t c) noexcept {
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_CO;
}

bool is_word(char32_t c) noexcept {
  const auto k = category(c);
  return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NL) || k == UTF8PROC_CATEGORY_PC ||
         c == 0x200C || c == 0x200D || is_enclosed_letter(c);
}

bool is_cjk_ideograph(char32_t c) noexcept {
  return between(c, 0x4E00, 0x9FFF) || between(c, 0x3400, 0x4DBF) || between(c, 0x20000, 0x2A6DF) ||
         between(c, 0x2A700, 0x2B73F) || between(c, 0x2B740, 0x2B81F) ||
         between(c, 0x2B920, 0x2CEAF) || between(c, 0xF900, 0xFAFF) || between(c, 0x2F800, 0x2FA1F);
}

bool is_white_space(char32_t c) noexcept {
  return between(c, 0x09, 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         between(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_decimal_digit(char32_t c) noexcept {
  return category(c) == UTF8PROC_CATEGORY_ND;
}

char32_t last_char(std::string_view text) noexcept {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return first_char(text.substr(begin)).code_point;
}

std::string_view strip_front(std::string_view text, Property is_space) noexcept {
  while (!text.empty()) {
    const Utf8Char c = first_char(text);
    if (!is_space(c.code_point)) break;
    text.remove_prefix(c.bytes);
  }
  return text;
}

std::string_view strip_back(std::string_view text, Property is_space) noexcept {
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!is_space(first_char(text.substr(begin)).code_point)) break;
    text = text.substr(0, begin);
  }
  return text;
}

std::string normalize(std::string_view text, NormalForm form) {
  int options = UTF8PROC_STABLE;
  options |=
      form == NormalForm::c || form == NormalForm::kc ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
  if (form == NormalForm::kc || form == NormalForm::kd) options |= UTF8PROC_COMPAT;
  utf8proc_uint8_t* raw = nullptr;
  const utf8proc_ssize_t bytes = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &raw, static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> result(raw, &std::free);
  if (bytes < 0)
    throw Error(bytes == UTF8PROC_ERROR_NOMEM ? ErrorCode::resource_exhausted : ErrorCode::internal,
                std::string("bringing a text to a Unicode normal form: ") + utf8proc_errmsg(bytes));
  return {reinterpret_cast<const char*>(result.get()), static_cast<std::size_t>(bytes)};
}

std::string to_lower(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const Utf8Char c = first_char(rest);
    if (c.code_point == 0x130) {  // the one character whose lower case is two: i and U+0307
      lower += "i\xCC\x87";
    } else {
      append_utf8(lower, static_cast<char32_t>(
                             utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code_point))));
    }
    rest.remove_prefix(c.bytes);
  }
  return lower;
}

std::size_t first_grapheme(std::string_view text) noexcept {
  Utf8Char c = first_char(text);
  std::size_t length = c.bytes;
  utf8proc_int32_t state = 0;
  while (length < text.size()) {
    const Utf8Char next = first_char(text.substr(length));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(c.code_point),
                                         static_cast<utf8proc_int32_t>(next.code_point), &state))
      break;
    length += next.bytes;
    c = next;
  }
  return length;
}

std::string decode_lossy(std::string_view bytes) {
  return decode(bytes, kReplacementUtf8);
}

std::string decode_ignoring_errors(std::string_view bytes) {
  return decode(bytes, {});
}

}  // namespace tandem::unicode
