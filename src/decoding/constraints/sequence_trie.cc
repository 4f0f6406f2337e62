#include "decoding/constraints/sequence_trie.h"

#include <algorithm>
#include <cstddef>

#include <tandem/error.h>

namespace tandem {

SequenceTrie::SequenceTrie(std::vector<std::vector<TokenId>> sequences) {
  std::sort(sequences.begin(), sequences.end());
  struct Range {
    std::size_t begin, end;  // the sequences that go through a node
  };
  std::vector<Range> level{{0, sequences.size()}};
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    std::vector<Range> next;
    for (const Range& range : level) {
      std::size_t begin = range.begin;
      while (begin < range.end && sequences[begin].size() == depth) ++begin;
      is_member_.push_back(begin > range.begin);
      first_child_.push_back(static_cast<std::uint32_t>(tokens_.size()));
      while (begin < range.end) {
        const TokenId token = sequences[begin][depth];
        std::size_t end = begin + 1;
        while (end < range.end && sequences[end][depth] == token) ++end;
        if (tokens_.size() >= kNone - 2)
          throw Error(ErrorCode::resource_exhausted,
                      "a trie of sequences has more than 2^32 nodes");
        tokens_.push_back(token);
        next.push_back({begin, end});
        begin = end;
      }
    }
    level = std::move(next);
  }
  first_child_.push_back(static_cast<std::uint32_t>(tokens_.size()));
}

SequenceTrie::Node SequenceTrie::child(Node node, TokenId token) const {
  const auto children = tokens(node);
  const auto found = std::lower_bound(children.begin(), children.end(), token);
  if (found == children.end() || *found != token) return kNone;
  return first_child_[node] + static_cast<Node>(found - children.begin()) + 1;
}

}  // namespace tandem
