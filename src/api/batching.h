// The waiting line of one call: which request a worker takes next. Requests are ordered by source
// length, longest first, so that sentences of like length share a batch and the long ones do not
// come last; workers take chunks under a token budget whenever sentences have finished.
// The order never changes an answer (row invariance), only the speed.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace tandem {

class RequestQueue {
 public:
  // `lengths[i]` is the number of source tokens of request i; requests of length 0 are left out.
  explicit RequestQueue(std::span<const std::size_t> lengths);

  // The next requests whose lengths sum to at most `budget`; one that is longer than any budget is
  // returned alone when `at_least_one`. Empty when nothing waits or nothing fits. Thread-safe.
  std::vector<std::size_t> take(std::size_t budget, bool at_least_one);

  // Of all requests; also of those that were taken.
  std::size_t tokens() const { return tokens_; }

 private:
  std::mutex mutex_;
  std::vector<std::size_t> lengths_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  std::size_t tokens_ = 0;
};

}  // namespace tandem
