#include "decoding/warpers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tandem {
namespace {

using Choices = std::vector<Choice>;

// Log-softmax. The best choice comes first.
void normalize(Choices& choices) {
  const double best = choices.front().log_p;
  double sum = 0;
  for (const Choice& choice : choices) sum += std::exp(choice.log_p - best);
  const double log_sum = best + std::log(sum);
  for (Choice& choice : choices) choice.log_p -= log_sum;
}

double entropy(const Choices& choices) {
  double sum = 0;
  for (const Choice& choice : choices) sum -= choice.log_p * std::exp(choice.log_p);
  return sum;
}

// The end of the best choices that are kept in any case.
Choices::iterator end_of_kept(int min_kept, Choices& choices) {
  const auto kept = std::min(choices.size(), static_cast<std::size_t>(min_kept));
  return choices.begin() + static_cast<std::ptrdiff_t>(kept);
}

// Removes what is less probable than `least`, but never the best `min_kept`.
void cut_below(double least, int min_kept, Choices& choices) {
  const auto end =
      std::find_if(end_of_kept(min_kept, choices), choices.end(),
                   [&](const Choice& choice) { return std::exp(choice.log_p) < least; });
  choices.erase(end, choices.end());
}

// Keeps the fewest choices that together have at least the mass `top_p`.
void cut_top_p(double top_p, int min_kept, Choices& choices) {
  double better = 0;  // the mass of those before
  const auto end = std::find_if(choices.begin(), choices.end(), [&](const Choice& choice) {
    const bool is_full = better >= top_p;
    better += std::exp(choice.log_p);
    return is_full;
  });
  choices.erase(std::max(end, end_of_kept(min_kept, choices)), choices.end());
}

// Keeps the choices whose surprise is nearest to the expected one, until they have `mass`.
void cut_typical(double mass, int min_kept, Choices& choices) {
  const double expected = entropy(choices);
  const auto distance = [&](const Choice& choice) { return std::abs(-choice.log_p - expected); };
  Choices by_distance = choices;
  std::stable_sort(by_distance.begin(), by_distance.end(),
                   [&](const Choice& a, const Choice& b) { return distance(a) < distance(b); });
  double sum = 0;
  const auto last = std::find_if(by_distance.begin(), by_distance.end(), [&](const Choice& choice) {
    sum += std::exp(choice.log_p);
    return sum >= mass;
  });
  const auto least = end_of_kept(min_kept, by_distance) - 1;
  const auto end = by_distance.end() - 1;
  const double farthest = distance(*std::min(std::max(last, least), end));
  std::erase_if(choices, [&](const Choice& choice) { return distance(choice) > farthest; });
}

}  // namespace

int candidates_to_warp(const WarperOptions& options, TokenId vocabulary_size) {
  if (options.top_k == 0) return vocabulary_size;
  return std::min<int>(std::max(options.top_k, options.min_kept), vocabulary_size);
}

std::vector<Choice> warp(const WarperOptions& options, std::span<const Candidate> candidates) {
  Choices choices;
  if (candidates.empty()) return choices;
  const auto most = static_cast<std::size_t>(std::max(options.top_k, options.min_kept));
  if (options.top_k > 0) candidates = candidates.first(std::min(candidates.size(), most));
  choices.reserve(candidates.size());
  for (const Candidate& candidate : candidates)
    choices.push_back({candidate, static_cast<double>(candidate.score) / options.temperature});
  normalize(choices);
  if (options.top_p < 1) {
    cut_top_p(options.top_p, options.min_kept, choices);
    normalize(choices);
  }
  if (options.min_p > 0) {
    cut_below(options.min_p * std::exp(choices.front().log_p), options.min_kept, choices);
    normalize(choices);
  }
  if (options.typical_p < 1) {
    cut_typical(options.typical_p, options.min_kept, choices);
    normalize(choices);
  }
  if (options.epsilon_cutoff > 0) {
    cut_below(options.epsilon_cutoff, options.min_kept, choices);
    normalize(choices);
  }
  if (options.eta_cutoff > 0) {
    const double eta = options.eta_cutoff;
    cut_below(std::min(eta, std::sqrt(eta) * std::exp(-entropy(choices))), options.min_kept,
              choices);
    normalize(choices);
  }
  return choices;
}

const Choice& draw(std::span<const Choice> choices, double uniform) {
  for (const Choice& choice : choices.first(choices.size() - 1)) {
    uniform -= std::exp(choice.log_p);
    if (uniform < 0) return choice;
  }
  return choices.back();
}

}  // namespace tandem
