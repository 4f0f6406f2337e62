#include "decoding/scoring/sequence_mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_sum_exp(std::span<const double> values) {
  const double maximum = *std::max_element(values.begin(), values.end());
  if (maximum == kNever) return kNever;
  double sum = 0;
  for (const double value : values) sum += std::exp(value - maximum);
  return maximum + std::log(sum);
}

}  // namespace

MixedSequence mix_sequence(std::span<const SequencePart> parts) {
  MixedSequence mixed;
  if (parts.empty()) return mixed;
  std::vector<double> sums;  // of each part so far, its weight included
  for (const SequencePart& part : parts) sums.push_back(part.log_weight);
  double before = 0;
  for (std::size_t t = 0; t < parts.front().token_log_probs.size(); ++t) {
    for (std::size_t k = 0; k < parts.size(); ++k) sums[k] += parts[k].token_log_probs[t];
    const double now = log_sum_exp(sums);
    mixed.token_log_probs.push_back(static_cast<float>(now == kNever ? kNever : now - before));
    before = now;
  }
  mixed.sum_log_prob = before;
  return mixed;
}

}  // namespace tandem
