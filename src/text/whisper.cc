#include "text/whisper.h"

#include <algorithm>
#include <cstddef>

#include "base/utf8.h"
#include "text/unicode.h"

namespace tandem::whisper {
namespace {

std::size_t digits(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size()) {
    const Utf8Char c = first_char(text.substr(end));
    if (!unicode::is_decimal_digit(c.code_point)) break;
    end += c.bytes;
  }
  return end - from;
}

// The length of a time such as "<|1.08|>" at the start of `text`, or 0.
std::size_t time_bytes(std::string_view text) {
  if (!text.starts_with("<|")) return 0;
  const std::size_t whole = digits(text, 2);
  const std::size_t point = 2 + whole;
  if (whole == 0 || !text.substr(point).starts_with('.')) return 0;
  const std::size_t part = digits(text, point + 1);
  const std::size_t end = point + 1 + part;
  return part > 0 && text.substr(end).starts_with("|>") ? end + 2 : 0;
}

}  // namespace

std::span<const TokenId> without_prompt(std::span<const TokenId> ids, TokenId start_of_previous,
                                        TokenId start_of_transcript) {
  if (ids.empty() || start_of_previous < 0 || ids[0] != start_of_previous) return ids;
  const auto start = std::find(ids.begin(), ids.end(), start_of_transcript);
  return ids.subspan(static_cast<std::size_t>(start - ids.begin()));
}

std::string without_times(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = time_bytes(text);
    if (length > 0) {
      text.remove_prefix(length);
      continue;
    }
    const std::size_t next = std::min(text.find('<', 1), text.size());
    out += text.substr(0, next);
    text.remove_prefix(next);
  }
  return out;
}

}  // namespace tandem::whisper
