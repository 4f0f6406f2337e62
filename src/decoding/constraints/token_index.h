// TokenIndex: a vocabulary's bytes as tries in depth-first order, for masks.
//
// What it does:  visits all tokens whose bytes a machine accepts, each shared beginning once.
// Cost:          one step of the machine for each node that is reached and one jump for each that
//                is not; about 12 bytes a node. A walk reads memory forwards only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/text_constraint.h>

namespace tandem {

class TokenTrie {
 public:
  using Entry = std::pair<std::string_view, TokenId>;

  TokenTrie() = default;
  explicit TokenTrie(std::vector<Entry> entries);  // no empty bytes

  // Calls step(depth, byte) for nodes in depth-first order, from depth 0 on: may the machine, after
  // the bytes above this node, read `byte`? Then found(depth, token) for the tokens that end here.
  // What lies below a node that was refused is passed over.
  template <typename Step, typename Found>
  void walk(const Step& step, const Found& found) const {
    for (std::size_t at = 0; at < nodes_.size();) {
      const Node& node = nodes_[at];
      if (!step(node.depth, node.byte)) {
        at = node.behind;
        continue;
      }
      const std::size_t end = at + 1 < nodes_.size() ? nodes_[at + 1].tokens : tokens_.size();
      for (std::size_t i = node.tokens; i < end; ++i) found(node.depth, tokens_[i]);
      ++at;
    }
  }
  std::size_t max_depth() const { return max_depth_; }

 private:
  struct Node {
    std::uint32_t behind;  // the next node that is not below this one
    std::uint32_t tokens;  // the first of those that end here
    std::uint16_t depth;
    std::uint8_t byte;
  };
  std::vector<Node> nodes_;
  std::vector<TokenId> tokens_;
  std::size_t max_depth_ = 0;
};

class TokenIndex {
 public:
  explicit TokenIndex(const std::vector<TokenBytes>& tokens);

  TokenTrie front;               // by TokenBytes::first
  TokenTrie behind_blank;        // by TokenBytes::middle: those that lose nothing at the front
  TokenTrie middle;              // by TokenBytes::middle
  TokenTrie characters;          // of `middle`, single characters and single bytes
  std::vector<TokenId> blanks;   // see TokenText::is_blank
  std::vector<TokenId> all;      // is_text
  std::vector<bool> cut_at_end;  // by id
  // Every byte is a token, and no token is cut: what bytes can complete, tokens can.
  bool writes_every_byte = false;
};

}  // namespace tandem
