#include "text/normalizer.h"

#include <algorithm>
#include <cstring>

#include <tandem/error.h>

#include "base/utf8.h"

namespace tandem {
namespace {

// A unit of darts-clone's double array (darts.h, class DoubleArrayUnit).
bool has_leaf(std::uint32_t unit) {
  return ((unit >> 8) & 1) != 0;
}
std::uint32_t leaf_value(std::uint32_t unit) {
  return unit & 0x7FFFFFFFu;
}
std::uint32_t label(std::uint32_t unit) {
  return unit & 0x800000FFu;
}
std::uint32_t child_offset(std::uint32_t unit) {
  return (unit >> 10) << ((unit & 0x200u) >> 6);
}

std::uint32_t little_endian_32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

}  // namespace

CharacterMap::CharacterMap(std::string_view blob, const std::string& name) {
  if (blob.empty()) return;
  const std::string what = name + ": precompiled_charsmap";
  if (blob.size() < 4)
    throw Error(ErrorCode::corrupt,
                what + ": " + std::to_string(blob.size()) + " bytes; at least 4 were expected");
  const std::size_t trie_bytes = little_endian_32(blob);
  blob.remove_prefix(4);
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > blob.size())
    throw Error(ErrorCode::corrupt, what + ": a double array of " + std::to_string(trie_bytes) +
                                        " bytes in " + std::to_string(blob.size()));
  units_.resize(trie_bytes / 4);
  for (std::size_t i = 0; i < units_.size(); ++i) units_[i] = little_endian_32(blob.substr(i * 4));
  replacements_ = blob.substr(trie_bytes);
  const std::uint32_t root = child_offset(units_[0]);
  for (std::uint32_t byte = 0; byte < starts_.size(); ++byte) {
    const std::uint32_t at = root ^ byte;
    starts_[byte] = at < units_.size() && label(units_[at]) == byte;
  }
}

CharacterMap::Replacement CharacterMap::rule(std::string_view text, Length wanted) const noexcept {
  if (!starts_[static_cast<unsigned char>(text[0])]) return {};
  std::size_t length = 0;
  std::uint32_t value = 0;
  std::uint32_t at = child_offset(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label(units_[at]) != byte) break;
    const std::uint32_t unit = units_[at];
    at ^= child_offset(unit);
    if (!has_leaf(unit)) continue;
    if (at >= units_.size()) break;
    length = i + 1;
    value = leaf_value(units_[at]);
    if (wanted == Length::shortest) break;
  }
  if (length == 0 || value >= replacements_.size()) return {};
  const std::string_view rest = std::string_view(replacements_).substr(value);
  return {rest.substr(0, rest.find('\0')), length};
}

Normalizer::Normalizer(const NormalizerRules& rules, bool whitespace_as_suffix,
                       const ByteTrie& symbols, std::size_t max_bytes, const std::string& name)
    : map_(rules.precompiled_charsmap, name),
      add_dummy_prefix_(rules.add_dummy_prefix),
      remove_extra_whitespaces_(rules.remove_extra_whitespaces),
      escape_whitespaces_(rules.escape_whitespaces),
      whitespace_as_suffix_(whitespace_as_suffix),
      symbols_(symbols),
      max_bytes_(max_bytes) {}

std::pair<std::string_view, std::size_t> Normalizer::next(std::string_view text) const noexcept {
  if (const auto symbol = symbols_.longest_prefix(text); symbol.length > 0)
    return {text.substr(0, symbol.length), symbol.length};
  if (const auto rule = map_.longest_rule(text); rule.consumed > 0)
    return {rule.text, rule.consumed};
  const Utf8Char c = first_char(text);
  return {c.valid ? text.substr(0, c.bytes) : kReplacementUtf8, c.bytes};
}

void Normalizer::append(std::string& out, std::string_view text) const {
  if (!escape_whitespaces_) {
    out += text;
  } else {
    for (const char c : text) {
      if (c == ' ') {
        out += kSpaceSymbol;
      } else {
        out += c;
      }
    }
  }
  if (out.size() > max_bytes_)
    throw Error(ErrorCode::resource_exhausted,
                "normalising a text: the result exceeds " + std::to_string(max_bytes_) + " bytes");
}

std::string Normalizer::normalize(std::string_view text) const {
  std::string out;
  if (remove_extra_whitespaces_) {
    while (!text.empty()) {
      const auto [replacement, consumed] = next(text);
      if (replacement != " ") break;
      text.remove_prefix(consumed);
    }
  }
  if (text.empty()) return out;
  out.reserve(text.size() + text.size() / 2);
  if (add_dummy_prefix_ && !whitespace_as_suffix_) append(out, " ");

  bool after_space = remove_extra_whitespaces_;
  while (!text.empty()) {
    auto [replacement, consumed] = next(text);
    text.remove_prefix(consumed);
    if (after_space)
      replacement.remove_prefix(std::min(replacement.find_first_not_of(' '), replacement.size()));
    if (replacement.empty()) continue;
    append(out, replacement);
    after_space = remove_extra_whitespaces_ && replacement.back() == ' ';
  }

  if (remove_extra_whitespaces_) {
    const std::string_view space = escape_whitespaces_ ? kSpaceSymbol : " ";
    while (std::string_view(out).ends_with(space)) out.resize(out.size() - space.size());
  }
  if (add_dummy_prefix_ && whitespace_as_suffix_) append(out, " ");
  return out;
}

}  // namespace tandem
