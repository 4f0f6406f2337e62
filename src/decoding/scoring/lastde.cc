// Multiscale diversity entropy of a series of log-probabilities: see tandem/scorer.h.
// Source: Xu et al. 2024, arXiv 2410.06072, and their program, whose histogram covers
// [-1, 1] with bins in proportion to the length of the series.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <tandem/error.h>
#include <tandem/scorer.h>

namespace tandem {
namespace {

std::vector<double> moving_average(std::span<const float> series, std::size_t width) {
  std::vector<double> means;
  for (std::size_t i = 0; i + width <= series.size(); ++i) {
    double sum = 0;
    for (std::size_t j = i; j < i + width; ++j) sum += series[j];
    means.push_back(sum / static_cast<double>(width));
  }
  return means;
}

// Of values[i, i + size) and its right neighbour. Two windows of zeros are alike.
double neighbour_cosine(const std::vector<double>& values, std::size_t i, std::size_t size) {
  double product = 0, left = 0, right = 0;
  for (std::size_t j = i; j < i + size; ++j) {
    product += values[j] * values[j + 1];
    left += values[j] * values[j];
    right += values[j + 1] * values[j + 1];
  }
  if (left == 0 || right == 0) return left == right ? 1 : 0;
  return product / std::sqrt(left * right);
}

double diversity_entropy(const std::vector<double>& values, std::size_t window, double bins) {
  std::map<double, int> histogram;
  int total = 0;
  for (std::size_t i = 0; i + window < values.size(); ++i) {
    const double place = (neighbour_cosine(values, i, window) + 1) / 2 * bins;
    ++histogram[std::min(std::floor(place), bins - 1)];
    ++total;
  }
  double entropy = 0;
  for (const auto& [bin, count] : histogram) {
    const double share = static_cast<double>(count) / total;
    entropy -= share * std::log(share);
  }
  return entropy / std::log(bins);
}

}  // namespace

double multiscale_diversity_entropy(std::span<const float> series,
                                    const DiversityEntropyOptions& options) {
  if (options.window < 1 || options.scales < 2 || !(options.bins_per_value > 0))
    throw Error(ErrorCode::invalid_argument,
                "diversity entropy needs a window of at least 1, at least 2 scales, and bins");
  if (series.size() < options.scales + options.window)
    throw Error(ErrorCode::invalid_argument, "the series has " + std::to_string(series.size()) +
                                                 " values; expected at least " +
                                                 std::to_string(options.scales + options.window));
  const double bins =
      std::max(2.0, std::round(options.bins_per_value * static_cast<double>(series.size())));
  std::vector<double> entropies;
  for (std::size_t scale = 1; scale <= options.scales; ++scale)
    entropies.push_back(diversity_entropy(moving_average(series, scale), options.window, bins));
  const auto count = static_cast<double>(entropies.size());
  const double mean = std::accumulate(entropies.begin(), entropies.end(), 0.0) / count;
  double squares = 0;
  for (const double entropy : entropies) squares += (entropy - mean) * (entropy - mean);
  return std::sqrt(squares / (count - 1));
}

double lastde(std::span<const float> token_log_probs, const DiversityEntropyOptions& options) {
  const double spread = multiscale_diversity_entropy(token_log_probs, options);
  const double mean = std::accumulate(token_log_probs.begin(), token_log_probs.end(), 0.0) /
                      static_cast<double>(token_log_probs.size());
  return spread > 0 ? mean / spread : -std::numeric_limits<double>::infinity();
}

}  // namespace tandem
