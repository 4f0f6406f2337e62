// NextToken: the log-probabilities of what may come next after a given beginning. One pass.
//
// When to use:    a ranking or a choice that is read from one place: identifiers of a list, yes or
//                 no, importance of source words.
// Cost:           one pass that feeds the beginning; the answer is one number for each token asked.
#pragma once

#include <span>
#include <vector>

#include "decoding/search.h"

namespace tandem {

class NextToken : public Search {
 public:
  // Tokens are in the vocabulary. `ids` empty: all of it.
  NextToken(TokenId start_token, TokenId vocabulary_size, std::span<const TokenId> prefix,
            std::vector<TokenId> ids);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override { return {}; }
  std::span<const TokenId> settled() const override { return {}; }

  // One for each of `ids`, as they were given, or for each token of the vocabulary. -infinity: the
  // model cannot produce it.
  const std::vector<float>& log_probs() const { return log_probs_; }

 private:
  const TokenId vocabulary_size_;
  const std::vector<TokenId> ids_;
  std::vector<Row> rows_;
  std::vector<float> log_probs_;
};

}  // namespace tandem
