// CopyRule: the row of a model that may copy from its source,
//     p(v) = g p_model(v) + (1 - g) * sum of the attention over source positions that hold v.
//
// When to use:    names, numbers and rare words that must come out as they stand: correction, data
//                 to text, summaries. Attention must point at what is being said; heads that were
//                 trained to align do.
// Cost:           the weights of one head come to the host; a logarithm for each distinct source
//                 token of a row, and one addition for each token of the vocabulary.
// Source:         pointer-generator, See et al. 2017, arXiv 1704.04368, equation 9.
// Differs:        g is the caller's, not a learned switch; the vocabulary is not extended, since
//                 subwords can spell any source word.
// Laws:           A18: the row sums to 1; g = 1 is the model, bit for bit; with g = 0 only source
//                 tokens come out, and a token that stands twice counts twice
//                 (tests/decoding/copy_rule_test.cc).
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <tandem/strategy.h>

#include "decoding/row_histories.h"
#include "decoding/row_rule.h"

namespace tandem {

class CopyRule : public RowRule {
 public:
  // For one part, whose source it is.
  CopyRule(std::vector<TokenId> source, CopyMixture copy)
      : source_(std::move(source)), copy_(std::move(copy)) {}

  bool needs_attention() const override { return true; }
  void begin_step(std::span<Row> rows) override { histories_.advance(rows); }
  // Throws Error{invalid_argument} where the gate throws or gives what is no probability.
  void mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
           std::vector<Candidate>& mixed) override;

 private:
  double gate(std::size_t row, std::size_t fed) const;

  const std::vector<TokenId> source_;
  const CopyMixture copy_;
  RowHistories histories_;
};

}  // namespace tandem
