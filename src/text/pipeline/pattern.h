// What a tokenizer.json searches for: a fixed string, or one of the regular expressions that occur.
//
// Understood expressions: GPT-2's pattern (byte_level.h), a plain string, and one atom with a
// quantifier: a character, \s \d \n \r \t [0-9] \p{L} \p{N}, then nothing, + or {n,}. Anything else
// is Error{unsupported} with the expression in the message. No general matcher exists here on
// purpose: expressions come from files, and backtracking ones take exponential time. Cost of a
// search: linear in the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "text/unicode.h"

namespace tandem::pipeline {

class Pattern {
 public:
  // `json` is {"String": ...}, {"Regex": ...} or a plain string. `where` is for messages.
  static Pattern parse(const nlohmann::json& json, const std::string& where);
  static Pattern literal(std::string text);
  static Pattern one(unicode::Property property);  // each character of the property
  static Pattern gpt2_words();

  // The bytes [begin, end) of a text; `matched` or between matches.
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool matched = false;
  };
  // Covers `text`, which must be valid UTF-8, without gaps. No range is empty.
  std::vector<Range> ranges(std::string_view text) const;

  // `text` with every match as `content`.
  std::string replace(std::string_view text, std::string_view content) const;

 private:
  enum class Kind { literal, run, gpt2_words };

  // The length of the match at the start of `text`, or 0.
  std::size_t match(std::string_view text) const noexcept;
  // The same for the longest run of the atom, whatever its length; counts characters.
  std::size_t run_bytes(std::string_view text, std::size_t most, std::size_t& count) const noexcept;
  bool atom_matches(char32_t c) const noexcept;
  static Pattern parse_expression(const std::string& expression, const std::string& where);

  Kind kind_ = Kind::literal;
  std::string literal_;
  char32_t character_ = 0;  // of a run, where `property_` is null
  unicode::Property property_ = nullptr;
  std::size_t fewest_ = 1;
  bool repeats_ = false;
};

}  // namespace tandem::pipeline
