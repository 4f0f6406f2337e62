// The probability of a whole output under several sources (RAG-Sequence):
//     p(y) = sum over k of w_k * product over t of p(y_t | x_k, y_<t)
// Lewis et al. 2020, arXiv 2005.11401, section 2.1. The same number is the reward of a query
// rewriter with passages as sources (AdaQR, Zhang et al. 2024, arXiv 2406.10991).
//
// The parts of a token are its log p(y_1..t) - log p(y_1..t-1), so that they sum to log p(y).
#pragma once

#include <span>
#include <vector>

namespace tandem {

// One output under one source.
struct SequencePart {
  double log_weight = 0;
  std::span<const float> token_log_probs;
};

struct MixedSequence {
  std::vector<float> token_log_probs;
  double sum_log_prob = 0;
};

// All parts are of the same output. Sources that are left out count as 0. Weights need not sum
// to 1.
MixedSequence mix_sequence(std::span<const SequencePart> parts);

}  // namespace tandem
