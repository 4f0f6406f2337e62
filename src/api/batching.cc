#include "api/batching.h"

#include <algorithm>
#include <numeric>

namespace tandem {

RequestQueue::RequestQueue(std::span<const std::size_t> lengths)
    : lengths_(lengths.begin(), lengths.end()),
      tokens_(std::accumulate(lengths.begin(), lengths.end(), std::size_t{0})) {
  for (std::size_t i = 0; i < lengths_.size(); ++i)
    if (lengths_[i] > 0) order_.push_back(i);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t a, std::size_t b) { return lengths_[a] > lengths_[b]; });
}

std::vector<std::size_t> RequestQueue::take(std::size_t budget, bool at_least_one) {
  const std::lock_guard lock(mutex_);
  std::vector<std::size_t> taken;
  while (next_ < order_.size()) {
    const std::size_t length = lengths_[order_[next_]];
    if (length > budget && !(at_least_one && taken.empty())) break;
    taken.push_back(order_[next_++]);
    budget -= std::min(budget, length);
  }
  return taken;
}

}  // namespace tandem
