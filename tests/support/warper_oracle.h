// The published warpers of Hugging Face over whole rows of scores, as literally as C++ allows: what
// is cut off is at -infinity. Rules: transformers 5, generation/logits_process.py; min_kept is its
// min_tokens_to_keep. It shares nothing with src/decoding but the options.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "decoding/warpers.h"
#include "support/table_model.h"

namespace tandem::testing {

class WarperOracle {
 public:
  explicit WarperOracle(const WarperOptions& options) : options_(options) {}

  // The probability of each token to be drawn.
  std::vector<double> probabilities(std::vector<double> scores) const {
    for (double& score : scores) score /= options_.temperature;
    if (options_.top_k > 0) top_k(scores);
    if (options_.top_p < 1) top_p(scores);
    if (options_.min_p > 0) min_p(scores);
    if (options_.typical_p < 1) typical_p(scores);
    if (options_.epsilon_cutoff > 0) cut(options_.epsilon_cutoff, scores);
    if (options_.eta_cutoff > 0) {
      const double epsilon = options_.eta_cutoff;
      cut(std::min(epsilon, std::sqrt(epsilon) * std::exp(-entropy(scores))), scores);
    }
    return softmax(scores);
  }

 private:
  using Scores = std::vector<double>;

  static Scores softmax(const Scores& scores) {
    Scores probabilities = log_softmax(scores);
    for (double& value : probabilities) value = std::exp(value);
    return probabilities;
  }
  static double entropy(const Scores& scores) {
    double sum = 0;
    for (const double p : softmax(scores))
      if (p > 0) sum -= p * std::log(p);
    return sum;
  }
  // Indices by ascending key.
  static std::vector<std::size_t> sorted(const Scores& keys) {
    std::vector<std::size_t> order(keys.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
    return order;
  }
  std::size_t min_kept(const Scores& scores) const {
    return std::min(static_cast<std::size_t>(options_.min_kept), scores.size());
  }
  // The lowest of the scores that are kept in any case.
  double last_kept(Scores scores) const {
    std::sort(scores.begin(), scores.end(), std::greater<>());
    return scores[min_kept(scores) - 1];
  }
  void top_k(Scores& scores) const {
    const auto k = std::min(static_cast<std::size_t>(std::max(options_.top_k, options_.min_kept)),
                            scores.size());
    Scores descending = scores;
    std::sort(descending.begin(), descending.end(), std::greater<>());
    for (double& score : scores)
      if (score < descending[k - 1]) score = -INFINITY;
  }
  void top_p(Scores& scores) const {
    const Scores p = softmax(scores);
    const auto order = sorted(scores);
    double cumulative = 0;
    for (std::size_t i = 0; i + min_kept(scores) < order.size(); ++i) {  // the last are kept
      cumulative += p[order[i]];
      if (cumulative <= 1 - options_.top_p) scores[order[i]] = -INFINITY;
    }
  }
  void min_p(Scores& scores) const {
    const Scores p = softmax(scores);
    const double best = *std::max_element(p.begin(), p.end());
    const double kept = last_kept(scores);
    for (std::size_t i = 0; i < p.size(); ++i)
      if (p[i] < options_.min_p * best && scores[i] < kept) scores[i] = -INFINITY;
  }
  void typical_p(Scores& scores) const {
    const Scores normalized = log_softmax(scores);
    const double expected = entropy(scores);
    Scores shifted(scores.size());
    for (std::size_t i = 0; i < shifted.size(); ++i)
      shifted[i] = std::abs(-normalized[i] - expected);
    const auto order = sorted(shifted);
    const Scores p = softmax(scores);
    double cumulative = 0;
    std::size_t last = 0;  // how many cumulative masses are below the mass
    for (const std::size_t i : order) last += (cumulative += p[i]) < options_.typical_p ? 1 : 0;
    last = std::max(last, min_kept(scores) - 1);
    const double threshold = shifted[order[std::min(last, order.size() - 1)]];
    for (std::size_t i = 0; i < shifted.size(); ++i)
      if (shifted[i] > threshold) scores[i] = -INFINITY;
  }
  void cut(double least, Scores& scores) const {
    const Scores p = softmax(scores);
    const double kept = last_kept(scores);
    for (std::size_t i = 0; i < p.size(); ++i)
      if (p[i] < least && scores[i] < kept) scores[i] = -INFINITY;
  }

  WarperOptions options_;
};

}  // namespace tandem::testing
