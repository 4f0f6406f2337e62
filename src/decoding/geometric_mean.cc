#include "decoding/geometric_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem {

void GeometricMean::mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
                        std::vector<Candidate>& mixed) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  sums_.assign(mixed.size(), 0.0);
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const std::span<const Candidate> part = parts[k]->after(row, fed);
    for (std::size_t token = 0; token < sums_.size(); ++token)
      sums_[token] += weights_[k] * part[token].log_prob;
  }
  double maximum = kNever;
  for (const double sum : sums_) maximum = std::max(maximum, sum);
  double normalizer = 0;
  if (maximum > kNever) {
    double total = 0;
    for (const double sum : sums_) total += std::exp(sum - maximum);
    normalizer = maximum + std::log(total);
  }
  for (std::size_t token = 0; token < sums_.size(); ++token)
    mixed[token].log_prob = static_cast<float>(sums_[token] - normalizer);
}

}  // namespace tandem
