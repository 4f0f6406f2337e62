#include "decoding/resampling.h"

#include <algorithm>
#include <cmath>

namespace tandem {

double log_sum_exp(std::span<const double> values) {
  const double largest =
      values.empty() ? -INFINITY : *std::max_element(values.begin(), values.end());
  if (largest == -INFINITY) return largest;
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

double effective_sample_size(std::span<const double> log_weights) {
  const double log_total = log_sum_exp(log_weights);
  if (log_total == -INFINITY) return 0;
  double squares = 0;
  for (const double value : log_weights) squares += std::exp(2 * (value - log_total));
  return 1 / squares;
}

std::vector<std::size_t> stratified_ancestors(std::span<const double> log_weights,
                                              RandomStream& random) {
  const double log_total = log_sum_exp(log_weights);
  const auto count = static_cast<double>(log_weights.size());
  std::vector<std::size_t> ancestors;
  std::size_t ancestor = 0;
  std::size_t last_alive = 0;  // rounding may leave the last stratum beyond the sum of all shares
  double sum = 0;              // of the shares up to `ancestor`
  for (std::size_t i = 0; i < log_weights.size(); ++i)
    if (log_weights[i] > -INFINITY) last_alive = i;
  sum = std::exp(log_weights[0] - log_total);
  for (std::size_t i = 0; i < log_weights.size(); ++i) {
    const double place = (static_cast<double>(i) + random.uniform()) / count;
    while (sum <= place && ancestor < last_alive)
      sum += std::exp(log_weights[++ancestor] - log_total);
    ancestors.push_back(ancestor);
  }
  return ancestors;
}

}  // namespace tandem
