// ActionRule: the row of a model that edits its source by actions. A pointer stands at source token
// x, and a head that sees the decoder's state chooses between three actions:
//     p(blank) = skip;   p(x) = copy;   p(v) = generate * p_model(v | v is neither blank nor x).
// A blank and a copy move the pointer on by one; at the last source token it stays.
//
// When to use:    a model that was trained with such a head: grammatical error correction and other
//                 tasks whose output is nearly the source.
// Cost:           the decoder's state comes to the host, one call of the head, and one exponential
//                 for each token of the vocabulary, for each row.
// Source:         Sequence-to-Action, Li et al. 2022, arXiv 2205.10884.
// Rules:          every hypothesis has a pointer of its own, also in a beam. A skipped step feeds
//                 the decoder the last real token once more, so that the blank has no embedding.
//                 The source's end token is copied as any other, which ends the output.
// Laws:           A18: the row sums to 1; copying everywhere gives the source in every search; each
//                 hypothesis of a beam has the rows of its own pointer (tests/decoding/
//                 action_rule_test.cc).
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <tandem/strategy.h>

#include "decoding/row_histories.h"
#include "decoding/row_rule.h"

namespace tandem {

class ActionRule : public RowRule {
 public:
  // For one part, whose source it is; not empty.
  ActionRule(std::vector<TokenId> source, SequenceToAction actions)
      : source_(std::move(source)), actions_(std::move(actions)) {}

  bool needs_all_tokens() const override { return true; }
  bool needs_hidden() const override { return true; }
  void begin_step(std::span<Row> rows) override;
  // Throws Error{invalid_argument} where the head throws or gives what are no probabilities.
  void mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
           std::vector<Candidate>& mixed) override;

 private:
  TokenId pointed_at(std::span<const TokenId> output) const;
  ActionProbabilities ask_head(std::span<const float> state, TokenId token) const;

  const std::vector<TokenId> source_;
  const SequenceToAction actions_;
  RowHistories histories_;
};

}  // namespace tandem
