#include "api/batching.h"

#include <algorithm>
#include <numeric>

namespace tandem {

RequestQueue::RequestQueue(std::span<const std::size_t> tokens)
    : tokens_(tokens.begin(), tokens.end()),
      all_tokens_(std::accumulate(tokens.begin(), tokens.end(), std::size_t{0})) {
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (tokens_[i] > 0) order_.push_back(i);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t a, std::size_t b) { return tokens_[a] > tokens_[b]; });
}

std::vector<std::size_t> RequestQueue::take(std::size_t budget, bool at_least_one) {
  const std::lock_guard lock(mutex_);
  std::vector<std::size_t> taken;
  while (next_ < order_.size()) {
    const std::size_t tokens = tokens_[order_[next_]];
    if (tokens > budget && !(at_least_one && taken.empty())) break;
    taken.push_back(order_[next_++]);
    budget -= std::min(budget, tokens);
  }
  return taken;
}

}  // namespace tandem
