// What is read off the scores of several targets: see tandem/scorer.h.
#include <algorithm>
#include <cmath>

#include <tandem/scorer.h>

namespace tandem {

double TargetScore::perplexity() const {
  return std::exp(-mean_log_prob());
}

std::size_t TargetScores::most_probable() const {
  const auto best = std::max_element(
      targets.begin(), targets.end(),
      [](const TargetScore& a, const TargetScore& b) { return a.sum_log_prob < b.sum_log_prob; });
  return static_cast<std::size_t>(best - targets.begin());
}

std::size_t TargetScores::least_perplexing() const {
  const auto best = std::max_element(targets.begin(), targets.end(),
                                     [](const TargetScore& a, const TargetScore& b) {
                                       return a.mean_log_prob() < b.mean_log_prob();
                                     });
  return static_cast<std::size_t>(best - targets.begin());
}

}  // namespace tandem
