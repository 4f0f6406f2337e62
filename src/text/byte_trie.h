// A set of byte strings with a number for each, walked one byte at a time: a double array.
//
// What it does:  finds all entries that begin at a position of a text while the text is read once.
// When to use:   vocabularies; one trie serves exact look-up, prefixes and longest match.
// Cost:          one step is one load and one compare. About 12 bytes a node; building is linear in
//                the bytes of the entries.
// Source:        Aoe 1989, "An efficient digital search algorithm by using a double-array
//                structure", with children addressed by exclusive or, so that a child never leaves
//                the block of 256 units of its siblings and no step needs a bounds check.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem {

class ByteTrie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr std::int32_t kNoValue = -1;

  struct Entry {
    std::string_view key;    // not empty
    std::int32_t value = 0;  // not negative
  };

  ByteTrie() : ByteTrie(std::vector<Entry>{}) {}
  // Of entries with equal keys the first one given is kept.
  explicit ByteTrie(std::vector<Entry> entries);

  // Moves `node` along `byte`; false, and `node` unchanged, where no entry goes on so.
  bool step(Node& node, char byte) const noexcept {
    const Node next = units_[node].base ^ static_cast<unsigned char>(byte);
    if (units_[next].parent != node) return false;
    node = next;
    return true;
  }

  // The number of the entry that ends at `node`, or kNoValue.
  std::int32_t value(Node node) const noexcept { return units_[node].value; }

  // The number of exactly `key`, or kNoValue.
  std::int32_t find(std::string_view key) const noexcept;

  struct Match {
    std::int32_t value = kNoValue;
    std::size_t length = 0;
  };
  // The longest entry that `text` begins with; length 0 if there is none.
  Match longest_prefix(std::string_view text) const noexcept;

 private:
  static constexpr std::uint32_t kFree = 0xFFFFFFFFu;  // no node has this index

  struct Unit {
    std::uint32_t base = 0;
    std::uint32_t parent = kFree;
    std::int32_t value = kNoValue;
  };

  class Builder;
  std::vector<Unit> units_;
};

}  // namespace tandem
