// TableModel: a language model without weights. Its logits are a hash of the sentence, the last two
// tokens and the position, stretched so that the distribution is peaked; the same in every build.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tandem/constraint.h>

namespace tandem::testing {

// The finalizer of splitmix64 (Steele et al. 2014).
inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

struct TableModel {
  TokenId vocabulary_size = 12;
  std::uint64_t seed = 0;
  double sharpness = 3;             // larger: more peaked
  std::vector<TokenId> favourites;  // position i prefers favourites[i]: a copying model
  double preference = 0;            // by this much
  bool has_ties = false;            // logits are small whole numbers

  // What follows `history`, which starts with the start token.
  std::vector<double> logits(int sentence, std::span<const TokenId> history) const {
    const std::size_t length = history.size();
    std::uint64_t state = mix(seed * 1000003 + static_cast<std::uint64_t>(sentence));
    state = mix(state ^ static_cast<std::uint64_t>(history.back() + 7));
    if (length > 1) state = mix(state ^ static_cast<std::uint64_t>(history[length - 2] + 11));
    state = mix(state ^ (length << 20));
    std::vector<double> values(static_cast<std::size_t>(vocabulary_size));
    for (std::size_t token = 0; token < values.size(); ++token) {
      const double uniform = static_cast<double>(mix(state + token) >> 11) * 0x1.0p-53;
      values[token] = has_ties ? std::floor(4 * uniform) : sharpness * (2 * uniform - 1);
    }
    if (length - 1 < favourites.size())
      values[static_cast<std::size_t>(favourites[length - 1])] += preference;
    return values;
  }

  // A decoder's last state after `history`.
  std::vector<float> hidden(int sentence, std::span<const TokenId> history) const {
    std::vector<float> state(5);
    for (std::size_t i = 0; i < state.size(); ++i)
      state[i] = static_cast<float>(number(sentence, history, 7919 + i) - 0.3);
    return state;
  }

  // Cross-attention over `source_length` tokens after `history`; sums to 1.
  std::vector<float> attention(int sentence, std::span<const TokenId> history,
                               std::size_t source_length) const {
    std::vector<double> weights(source_length);
    double sum = 0;
    for (std::size_t i = 0; i < source_length; ++i)
      sum += weights[i] = 0.01 + std::pow(number(sentence, history, 104729 + i), 3);
    std::vector<float> attention;
    for (const double weight : weights) attention.push_back(static_cast<float>(weight / sum));
    return attention;
  }

 private:
  // From 0 to 1.
  double number(int sentence, std::span<const TokenId> history, std::size_t which) const {
    std::uint64_t state = mix(seed * 1000003 + static_cast<std::uint64_t>(sentence) + which);
    for (const TokenId token : history) state = mix(state ^ static_cast<std::uint64_t>(token + 7));
    return static_cast<double>(state >> 11) * 0x1.0p-53;
  }
};

inline std::vector<double> log_softmax(std::vector<double> values) {
  double largest = -INFINITY;
  for (const double value : values) largest = std::max(largest, value);
  if (largest == -INFINITY) return values;
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  const double normalizer = largest + std::log(sum);
  for (double& value : values) value -= normalizer;
  return values;
}

}  // namespace tandem::testing
