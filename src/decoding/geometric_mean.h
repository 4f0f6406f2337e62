// GeometricMean: the row of an ensemble that averages log-probabilities,
//     log p(v) = sum over k of w_k log p_k(v) - log Z, where Z makes the row sum to 1.
//
// When to use:    an ensemble whose members must agree: a token that one of them thinks impossible
//                 is impossible. Checkpoints and seeds of one training are commonly averaged so.
// Cost:           a product for each part and token, an exponential for each token; whole rows also
//                 under a mask that lists few tokens, since Z counts all of them.
// Source:         the logarithmic opinion pool, Heskes 1998, "Selecting weighting factors in
//                 logarithmic opinion pools".
// Rules:          where no token is possible for all members, all have probability 0.
// Laws:           tests/decoding/geometric_mean_test.cc.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "decoding/row_rule.h"

namespace tandem {

class GeometricMean : public RowRule {
 public:
  // Weights above 0 that sum to 1, one for each part.
  explicit GeometricMean(std::vector<double> weights) : weights_(std::move(weights)) {}

  bool needs_all_tokens() const override { return true; }
  void mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
           std::vector<Candidate>& mixed) override;

 private:
  const std::vector<double> weights_;
  std::vector<double> sums_;  // kept for its memory
};

}  // namespace tandem
