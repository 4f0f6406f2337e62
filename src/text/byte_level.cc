#include "text/byte_level.h"

#include <array>

#include "base/utf8.h"
#include "text/unicode.h"

namespace tandem::byte_level {
namespace {

// Bytes that stand for themselves: visible in Latin-1. The others follow one another from U+0100.
constexpr bool is_visible(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr char32_t kFirstMoved = 0x100;
constexpr std::size_t kMoved = 256 - 94 - 12 - 82;

struct Alphabet {
  std::array<std::string, 256> symbols;
  std::array<int, kFirstMoved + kMoved> bytes;

  Alphabet() {
    bytes.fill(-1);
    char32_t moved = kFirstMoved;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char32_t c = is_visible(byte) ? byte : moved++;
      append_utf8(symbols[byte], c);
      bytes[c] = static_cast<int>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

enum class Kind { letter, number, space, other };

Kind kind_of(char32_t c) noexcept {
  if (unicode::is_letter(c)) return Kind::letter;
  if (unicode::is_number(c)) return Kind::number;
  return unicode::is_white_space(c) ? Kind::space : Kind::other;
}

// The length of the run of characters of `kind` that begins at `from`.
std::size_t run_length(std::string_view text, std::size_t from, Kind kind) noexcept {
  std::size_t end = from;
  while (end < text.size()) {
    const Utf8Char c = first_char(text.substr(end));
    if (kind_of(c.code_point) != kind) break;
    end += c.bytes;
  }
  return end - from;
}

std::size_t contraction(std::string_view text) noexcept {
  for (const std::string_view suffix : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.starts_with(suffix)) return suffix.size();
  return 0;
}

}  // namespace

std::string_view symbol(unsigned char byte) noexcept {
  return alphabet().symbols[byte];
}

int byte_of(char32_t symbol) noexcept {
  return symbol < alphabet().bytes.size() ? alphabet().bytes[symbol] : -1;
}

std::string to_symbols(std::string_view text) {
  std::string symbols;
  symbols.reserve(text.size() * 2);
  for (const char c : text) symbols += symbol(static_cast<unsigned char>(c));
  return symbols;
}

bool append_bytes(std::string& bytes, std::string_view token) {
  const std::size_t before = bytes.size();
  while (!token.empty()) {
    const Utf8Char c = first_char(token);
    const int byte = c.valid ? byte_of(c.code_point) : -1;
    if (byte < 0) {
      bytes.resize(before);
      return false;
    }
    bytes += static_cast<char>(byte);
    token.remove_prefix(c.bytes);
  }
  return true;
}

std::size_t first_word(std::string_view text) noexcept {
  if (const std::size_t length = contraction(text); length > 0) return length;
  const std::size_t space = text[0] == ' ' ? 1 : 0;  // a word takes one space before it along
  if (space < text.size()) {
    const Kind kind = kind_of(first_char(text.substr(space)).code_point);
    if (kind != Kind::space) return space + run_length(text, space, kind);
  }
  const std::size_t run = run_length(text, 0, Kind::space);
  if (run == text.size()) return run;
  // White space before a word leaves its last character to the word, unless it is the only one.
  std::size_t last = run - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last > 0 ? last : run;
}

}  // namespace tandem::byte_level
