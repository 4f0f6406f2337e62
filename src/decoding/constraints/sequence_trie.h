// SequenceTrie: a closed set of token sequences, shared by their beginnings.
//
// Cost:   9 bytes a node, at most one node for each token of the sequences; building sorts them. A
//         step is a binary search among the children.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// Immutable and thread-safe.
class SequenceTrie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = UINT32_MAX;

  explicit SequenceTrie(std::vector<std::vector<TokenId>> sequences);

  // The tokens that go on from `node`, ascending.
  std::span<const TokenId> tokens(Node node) const {
    return {tokens_.data() + first_child_[node], first_child_[node + 1] - first_child_[node]};
  }
  // Where `token` leads from `node`, or kNone.
  Node child(Node node, TokenId token) const;
  // True if a sequence ends at `node`.
  bool is_member(Node node) const { return is_member_[node]; }

 private:
  std::vector<TokenId> tokens_;  // of each node but the root, by level; [i] is node i + 1
  std::vector<std::uint32_t> first_child_;  // of each node, as an index of tokens_; and the end
  std::vector<bool> is_member_;
};

}  // namespace tandem
