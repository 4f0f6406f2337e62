#include "api/workers.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem {
namespace {

// With fewer requests than this for each thread, splitting one product over the threads is faster
// than giving each thread its own sentences.
constexpr std::size_t kRequestsPerWorker = 2;

}  // namespace

void run_workers(BackendPool& backends, std::size_t num_requests, const std::function<void(Backend&)>& worker) {
  const auto threads = static_cast<std::size_t>(backends.max_threads());
  const bool one_each = num_requests >= threads * kRequestsPerWorker;
  if (!one_each || threads == 1) {
    const BackendPool::Lease backend = backends.lease(static_cast<int>(threads));
    worker(*backend);
    return;
  }
  std::mutex mutex;
  std::exception_ptr first;
  const auto guarded = [&] {
    try {
      const BackendPool::Lease backend = backends.lease(1);
      worker(*backend);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(guarded);
    guarded();
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace tandem
