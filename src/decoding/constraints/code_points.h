// CodePoints: a set of Unicode characters, and the byte strings that are its UTF-8.
//
// Cost:     ranges are kept sorted and apart; every operation is linear in their number. A range
//           becomes at most a dozen byte sequences.
// Source:   the split of a range at the borders of UTF-8's lengths and continuation bytes as in Ken
//           Thompson's utf8 ranges (Plan 9, RE2).
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace tandem {

class CodePoints {
 public:
  using Range = std::pair<char32_t, char32_t>;  // both ends belong to it

  CodePoints() = default;
  explicit CodePoints(char32_t one) : ranges_{{one, one}} {}
  CodePoints(std::initializer_list<Range> ranges);

  void add(char32_t low, char32_t high);
  void add(const CodePoints& other);
  // All other characters.
  CodePoints complement() const;
  bool contains(char32_t c) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

  struct ByteRange {
    std::uint8_t low, high;
    auto operator<=>(const ByteRange&) const = default;
  };
  using ByteSequence = std::vector<ByteRange>;  // one range for each byte
  // Surrogates are left out: UTF-8 has none.
  std::vector<ByteSequence> utf8() const;

 private:
  std::vector<Range> ranges_;  // ascending, none touches the next
};

}  // namespace tandem
