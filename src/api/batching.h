// The waiting line of one call: which request a worker takes next. Requests are ordered by the
// tokens that they count for, most first, so that sentences of like length share a batch and the
// long ones do not come last; workers take chunks under a budget whenever sentences have finished.
// The order never changes an answer (row invariance), only the speed.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace tandem {

class RequestQueue {
 public:
  // `tokens[i]` is what request i counts for; requests of 0 are left out.
  explicit RequestQueue(std::span<const std::size_t> tokens);

  // The next requests whose tokens sum to at most `budget`; one that has more than any budget is
  // returned alone when `at_least_one`. Empty when nothing waits or nothing fits. Thread-safe.
  std::vector<std::size_t> take(std::size_t budget, bool at_least_one);

  // Of all requests; also of those that were taken.
  std::size_t all_tokens() const { return all_tokens_; }

 private:
  std::mutex mutex_;
  std::vector<std::size_t> tokens_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  std::size_t all_tokens_ = 0;
};

}  // namespace tandem
