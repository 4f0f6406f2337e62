// Text to the form that the pieces of a SentencePiece model are made of.
//
// What it does:  replaces by the longest matching rule of the model's compiled table, from left to
//                right (not Unicode NFKC, which the table only approximates); then white space:
//                runs collapse, ends are cut, a dummy prefix comes in front, U+0020 becomes U+2581.
// Cost:          linear; each position is read up to the longest rule. Allocates the result only.
// Source:        behaviour and table layout of github.com/google/sentencepiece; the table is a
//                double array of github.com/s-yata/darts-clone behind its length, then the
//                replacements, each ended by NUL.
// Rules that surprise: user-defined symbols are matched first and copied as they are. A byte that
//                is not UTF-8 becomes U+FFFD and no rule applies to it, while U+FFFD in the text
//                goes through the rules. A text of spaces only gives nothing, not even the prefix.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/byte_trie.h"
#include "text/sentencepiece_model.h"

namespace tandem {

// U+2581, the visible space of the pieces.
inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";

// The compiled rules: prefixes of a text and what they become.
class CharacterMap {
 public:
  CharacterMap() = default;
  // `name` is the file's, for messages. Throws Error{corrupt} if the table cannot be one.
  CharacterMap(std::string_view blob, const std::string& name);

  struct Replacement {
    std::string_view text;
    std::size_t consumed = 0;  // 0: no rule applies here
  };
  // The longest rule that `text` begins with. Any blob is safe: every index is checked.
  Replacement longest_rule(std::string_view text) const noexcept {
    return rule(text, Length::longest);
  }
  // The shortest one.
  Replacement shortest_rule(std::string_view text) const noexcept {
    return rule(text, Length::shortest);
  }

 private:
  enum class Length { shortest, longest };
  Replacement rule(std::string_view text, Length wanted) const noexcept;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::array<bool, 256> starts_{};  // bytes that a rule begins with
};

class Normalizer {
 public:
  // `symbols` holds the user-defined pieces and must outlive the normaliser. `max_bytes` bounds the
  // result, which a table from a hostile file could make a thousand times as long as the text.
  Normalizer(const NormalizerRules& rules, bool whitespace_as_suffix, const ByteTrie& symbols,
             std::size_t max_bytes, const std::string& name);

  // Throws Error{resource_exhausted} if the result exceeds the bound.
  std::string normalize(std::string_view text) const;

 private:
  // What stands for the beginning of `text`, and how many bytes of it that takes.
  std::pair<std::string_view, std::size_t> next(std::string_view text) const noexcept;
  void append(std::string& out, std::string_view text) const;

  CharacterMap map_;
  bool add_dummy_prefix_;
  bool remove_extra_whitespaces_;
  bool escape_whitespaces_;
  bool whitespace_as_suffix_;
  const ByteTrie& symbols_;
  std::size_t max_bytes_;
};

}  // namespace tandem
