#include "text/byte_trie.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include <tandem/error.h>

namespace tandem {
namespace {

constexpr std::uint32_t kBlock = 256;
// Blocks in which room is still looked for. More would pack a little tighter and build slower.
constexpr std::uint32_t kOpenBlocks = 16;
// Places tried for one family of children before a new block is opened: bounds the building time.
constexpr int kMaxAttempts = 512;

}  // namespace

// Places the nodes level by level. A range of sorted entries that share their first `depth` bytes
// is one node.
class ByteTrie::Builder {
 public:
  Builder(const std::vector<Entry>& entries, std::vector<Unit>& units)
      : entries_(entries), units_(units) {}

  void build() {
    add_block();
    taken_[kRoot] = true;
    std::vector<Range> level;
    if (!entries_.empty()) level.push_back({0, entries_.size(), kRoot});
    for (std::size_t depth = 0; !level.empty(); ++depth) {
      std::vector<Range> next;
      for (const Range& range : level) place_children(range, depth, next);
      level = std::move(next);
    }
  }

 private:
  struct Range {
    std::size_t begin, end;
    Node node;
  };

  void add_block() {
    if (units_.size() > std::numeric_limits<std::uint32_t>::max() - 2 * kBlock)
      throw Error(ErrorCode::resource_exhausted, "vocabulary trie: more than 2^32 nodes");
    units_.resize(units_.size() + kBlock);
    taken_.resize(units_.size());
  }

  void place_children(const Range& range, std::size_t depth, std::vector<Range>& next) {
    std::size_t begin = range.begin;
    if (entries_[begin].key.size() == depth) units_[range.node].value = entries_[begin++].value;
    labels_.clear();
    const std::size_t first_child = next.size();
    while (begin < range.end) {
      const char label = entries_[begin].key[depth];
      std::size_t end = begin + 1;
      while (end < range.end && entries_[end].key[depth] == label) ++end;
      labels_.push_back(static_cast<unsigned char>(label));
      next.push_back({begin, end, kRoot});
      begin = end;
    }
    if (labels_.empty()) return;
    const std::uint32_t base = find_base();
    units_[range.node].base = base;
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const Node child = base ^ labels_[i];
      units_[child].parent = range.node;
      taken_[child] = true;
      next[first_child + i].node = child;
    }
  }

  bool fits(std::uint32_t base) const {
    return std::none_of(labels_.begin(), labels_.end(),
                        [&](std::uint32_t label) { return taken_[base ^ label]; });
  }

  std::uint32_t find_base() {
    const auto size = static_cast<std::uint32_t>(units_.size());
    const std::uint32_t oldest = size > kOpenBlocks * kBlock ? size - kOpenBlocks * kBlock : 0;
    first_free_ = std::max(first_free_, oldest);
    while (first_free_ < size && taken_[first_free_]) ++first_free_;
    int attempts = 0;
    for (std::uint32_t unit = first_free_; unit < size && attempts < kMaxAttempts; ++unit) {
      if (taken_[unit]) continue;
      ++attempts;
      const std::uint32_t base = unit ^ labels_[0];
      if (fits(base)) return base;
    }
    add_block();
    return size;
  }

  const std::vector<Entry>& entries_;
  std::vector<Unit>& units_;
  std::vector<bool> taken_;
  std::vector<std::uint32_t> labels_;
  std::uint32_t first_free_ = 0;
};

ByteTrie::ByteTrie(std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  const auto equal = [](const Entry& a, const Entry& b) { return a.key == b.key; };
  entries.erase(std::unique(entries.begin(), entries.end(), equal), entries.end());
  Builder(entries, units_).build();
}

std::int32_t ByteTrie::find(std::string_view key) const noexcept {
  Node node = kRoot;
  for (const char byte : key)
    if (!step(node, byte)) return kNoValue;
  return value(node);
}

ByteTrie::Match ByteTrie::longest_prefix(std::string_view text) const noexcept {
  Match best;
  Node node = kRoot;
  for (std::size_t i = 0; i < text.size() && step(node, text[i]); ++i)
    if (value(node) != kNoValue) best = {value(node), i + 1};
  return best;
}

}  // namespace tandem
