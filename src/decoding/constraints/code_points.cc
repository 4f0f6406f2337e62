#include "decoding/constraints/code_points.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/utf8.h"

namespace tandem {
namespace {

constexpr char32_t kLast = 0x10FFFF;

// Appends the sequences of a range whose characters all have the same number of bytes.
void append_sequences(char32_t low, char32_t high, std::vector<CodePoints::ByteSequence>& out) {
  std::vector<CodePoints::Range> open{{low, high}};
  while (!open.empty()) {
    const auto [from, to] = open.back();
    open.pop_back();
    std::string first, last;
    append_utf8(first, from);
    append_utf8(last, to);
    bool is_split = false;
    for (std::size_t i = 1; i < first.size() && !is_split; ++i) {
      const char32_t below = (char32_t{1} << (6 * i)) - 1;  // of the last i bytes
      if ((from & ~below) == (to & ~below)) continue;
      is_split = true;
      if ((from & below) != 0) {
        open.push_back({(from | below) + 1, to});
        open.push_back({from, from | below});
      } else if ((to & below) != below) {
        open.push_back({to & ~below, to});
        open.push_back({from, (to & ~below) - 1});
      } else {
        is_split = false;
      }
    }
    if (is_split) continue;
    CodePoints::ByteSequence sequence;
    for (std::size_t i = 0; i < first.size(); ++i)
      sequence.push_back({static_cast<std::uint8_t>(first[i]), static_cast<std::uint8_t>(last[i])});
    out.push_back(std::move(sequence));
  }
}

}  // namespace

CodePoints::CodePoints(std::initializer_list<Range> ranges) {
  for (const auto& [low, high] : ranges) add(low, high);
}

void CodePoints::add(char32_t low, char32_t high) {
  const auto first = std::partition_point(
      ranges_.begin(), ranges_.end(), [&](const Range& range) { return range.second + 1 < low; });
  auto last = first;
  for (; last != ranges_.end() && last->first <= high + 1; ++last) {
    low = std::min(low, last->first);
    high = std::max(high, last->second);
  }
  ranges_.insert(ranges_.erase(first, last), {low, high});
}

void CodePoints::add(const CodePoints& other) {
  for (const auto& [low, high] : other.ranges_) add(low, high);
}

CodePoints CodePoints::complement() const {
  CodePoints rest;
  char32_t next = 0;
  for (const auto& [low, high] : ranges_) {
    if (low > next) rest.ranges_.push_back({next, low - 1});
    next = high + 1;
  }
  if (next <= kLast) rest.ranges_.push_back({next, kLast});
  return rest;
}

bool CodePoints::contains(char32_t c) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [c](const Range& range) { return range.first <= c && c <= range.second; });
}

std::vector<CodePoints::ByteSequence> CodePoints::utf8() const {
  constexpr Range kLengths[] = {
      {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, kLast}};
  std::vector<ByteSequence> sequences;
  for (const auto& [low, high] : ranges_) {
    for (const auto& [shortest, longest] : kLengths) {
      const char32_t from = std::max(low, shortest);
      const char32_t to = std::min(high, longest);
      if (from <= to) append_sequences(from, to, sequences);
    }
  }
  return sequences;
}

}  // namespace tandem
