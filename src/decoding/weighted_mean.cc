#include "decoding/weighted_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// log of the sum over k of exp(log_weights[k] + log-probability of one token in rows[k]).
float mix_token(std::span<const std::span<const Candidate>> rows,
                std::span<const double> log_weights, std::size_t token) {
  double maximum = kNever;
  for (std::size_t k = 0; k < rows.size(); ++k)
    maximum = std::max(maximum, log_weights[k] + rows[k][token].log_prob);
  if (maximum == kNever) return static_cast<float>(kNever);
  double sum = 0;
  for (std::size_t k = 0; k < rows.size(); ++k)
    sum += std::exp(log_weights[k] + rows[k][token].log_prob - maximum);
  return static_cast<float>(maximum + std::log(sum));
}

}  // namespace

void WeightedMean::mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
                       std::vector<Candidate>& mixed) {
  rows_.clear();
  for (const Candidates* part : parts) rows_.push_back(part->after(row, fed));
  for (std::size_t token = 0; token < mixed.size(); ++token)
    mixed[token].log_prob = mix_token(rows_, log_weights_, token);
}

}  // namespace tandem
