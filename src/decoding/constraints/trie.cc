// Trie: the output is one of a closed set of sequences.
//
// Cost:     building sorts the sequences, 9 bytes for each of their tokens at most; a step the
//           number of branches. States share one immutable trie; a clone is three words.
// First:    a token that the model forces in front is part of the sequences; if it begins none of
//           them, the end follows it. So do the prefix functions of transformers.
// Source:   De Cao et al. 2021, arXiv 2010.00904 (generative retrieval with a prefix tree).
// Laws:     every output without such a token is a member; as many beams as members rank all of
//           them as scoring them one by one does (tests/decoding/constraint_test.cc).
#include <memory>
#include <utility>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/error.h>

#include "base/check.h"
#include "decoding/constraints/mask.h"
#include "decoding/constraints/sequence_trie.h"

namespace tandem {
namespace {

class Trie : public Constraint {
 public:
  explicit Trie(std::shared_ptr<const SequenceTrie> trie) : trie_(std::move(trie)) {}

  TokenMask allowed() const override {
    if (is_left_) return TokenMask::only({});
    const auto tokens = trie_->tokens(at_);
    return mask_of({tokens.begin(), tokens.end()});
  }
  bool can_end() const override { return is_left_ || trie_->is_member(at_); }
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<Trie>(*this); }

  void advance(TokenId token) override {
    at_ = trie_->child(at_, token);
    TANDEM_CHECK(at_ != SequenceTrie::kNone);
  }

  void begin_after(TokenId token) override {
    const SequenceTrie::Node child = trie_->child(at_, token);
    if (child == SequenceTrie::kNone)
      is_left_ = true;
    else
      at_ = child;
  }

  std::vector<TokenId> forced_run() const override {
    std::vector<TokenId> run;
    if (is_left_) return run;
    SequenceTrie::Node node = at_;
    while (!trie_->is_member(node) && trie_->tokens(node).size() == 1) {
      run.push_back(trie_->tokens(node).front());
      node = trie_->child(node, run.back());
    }
    return run;
  }

 private:
  std::shared_ptr<const SequenceTrie> trie_;
  SequenceTrie::Node at_ = SequenceTrie::kRoot;
  bool is_left_ = false;  // a forced first token is in no sequence: only the end may follow
};

}  // namespace

std::shared_ptr<const Constraint> make_trie_constraint(
    const std::vector<std::vector<TokenId>>& sequences) {
  if (sequences.empty())
    throw Error(ErrorCode::unsatisfiable, "the trie holds no sequence, so no output is allowed");
  return std::make_shared<Trie>(std::make_shared<const SequenceTrie>(sequences));
}

}  // namespace tandem
