// Trie: the output is one of a closed set of sequences.
//
// Cost:     building O(total length of the sequences * log of the branching); a step O(log of the
//           branching). States share one immutable trie; a clone is three words.
// First:    a token that the model forces in front is part of the sequences; if it begins none of
//           them, the end follows it. So do the prefix functions of transformers.
// Source:   De Cao et al. 2021, arXiv 2010.00904 (generative retrieval with a prefix tree).
// Laws:     every output without such a token is a member; as many beams as members rank all of
// them as scoring them
//           one by one does (tests/decoding/constraint_test.cc).
#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/error.h>

#include "base/check.h"

namespace tandem {
namespace {

struct Node {
  std::map<TokenId, std::size_t> children;
  TokenMask allowed = TokenMask::only({});
  bool is_member = false;
};

using Nodes = std::vector<Node>;  // the root first

class Trie : public Constraint {
 public:
  explicit Trie(std::shared_ptr<const Nodes> nodes) : nodes_(std::move(nodes)) {}

  TokenMask allowed() const override { return is_left_ ? TokenMask::only({}) : node().allowed; }
  bool can_end() const override { return is_left_ || node().is_member; }
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<Trie>(*this); }

  void advance(TokenId token) override {
    const auto child = node().children.find(token);
    TANDEM_CHECK(child != node().children.end());
    at_ = child->second;
  }

  void begin_after(TokenId token) override {
    const auto child = node().children.find(token);
    if (child == node().children.end())
      is_left_ = true;
    else
      at_ = child->second;
  }

  std::vector<TokenId> forced_run() const override {
    std::vector<TokenId> run;
    if (is_left_) return run;
    for (const Node* at = &node(); !at->is_member && at->children.size() == 1;) {
      const auto& [token, child] = *at->children.begin();
      run.push_back(token);
      at = &(*nodes_)[child];
    }
    return run;
  }

 private:
  const Node& node() const { return (*nodes_)[at_]; }

  std::shared_ptr<const Nodes> nodes_;
  std::size_t at_ = 0;
  bool is_left_ = false;  // a forced first token is in no sequence: only the end may follow
};

}  // namespace

std::shared_ptr<const Constraint> make_trie_constraint(
    const std::vector<std::vector<TokenId>>& sequences) {
  if (sequences.empty())
    throw Error(ErrorCode::unsatisfiable, "the trie holds no sequence, so no output is allowed");
  auto nodes = std::make_shared<Nodes>(1);
  for (const auto& sequence : sequences) {
    std::size_t at = 0;
    for (const TokenId token : sequence) {
      const auto [child, is_new] = (*nodes)[at].children.try_emplace(token, nodes->size());
      at = child->second;
      if (is_new) nodes->emplace_back();
    }
    (*nodes)[at].is_member = true;
  }
  for (Node& node : *nodes) {
    std::vector<TokenId> tokens;
    tokens.reserve(node.children.size());
    for (const auto& entry : node.children) tokens.push_back(entry.first);
    node.allowed = TokenMask::only(std::move(tokens));
  }
  return std::make_shared<Trie>(std::move(nodes));
}

}  // namespace tandem
