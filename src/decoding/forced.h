// Forced: scores a given target by teacher forcing. No choice is made.
//
// What it does:   feeds the start token and the target but its last token in one pass, and asks at
//                 each place for the log-probability of the target's next token.
// When to use:    scoring: rerankers, closed labels, perplexity.
// Cost:           one pass with as many rows as target tokens, one candidate each.
// Result:         one hypothesis whose ids are the target; `score` is sum_log_prob. A token that
// the
//                 model cannot produce (outside a lexical shortlist) has -infinity.
#pragma once

#include <span>
#include <vector>

#include "decoding/search.h"

namespace tandem {

class Forced : public Search {
 public:
  // `target` as the model would generate it, with the end token if that is to be scored. Ids are
  // in the vocabulary. An empty target needs no pass.
  Forced(TokenId start_token, std::vector<TokenId> target);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  std::span<const TokenId> settled() const override { return {target_.data(), log_probs_.size()}; }

 private:
  const std::vector<TokenId> target_;
  std::vector<float> log_probs_;
  std::vector<Row> rows_;
};

}  // namespace tandem
