// WeightedMean: the row of a mixture, p(v) = sum over k of w_k p_k(v).
//
// When to use:    several sources of one model (RAG-Token), or several models of one source (an
//                 ensemble whose members may disagree: a token that one of them favours is likely).
// Cost:           an exponential for each part and token.
// Source:         Lewis et al. 2020, arXiv 2005.11401, section 2.1.
// Laws:           tests/decoding/mixture_decoder_test.cc.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "decoding/row_rule.h"

namespace tandem {

class WeightedMean : public RowRule {
 public:
  // The logs of weights above 0 that sum to 1, one for each part.
  explicit WeightedMean(std::vector<double> log_weights) : log_weights_(std::move(log_weights)) {}

  void mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
           std::vector<Candidate>& mixed) override;

 private:
  const std::vector<double> log_weights_;
  std::vector<std::span<const Candidate>> rows_;  // kept for its memory
};

}  // namespace tandem
