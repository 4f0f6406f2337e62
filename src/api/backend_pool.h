// Execution contexts of one engine. A Backend serves one thread at a time, so each call leases as
// many as it runs workers and gives them back warm (their scratch memory and threads stay).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/backend.h"

namespace tandem {

class BackendPool {
 public:
  // `options.threads` is what a lease may ask for at most.
  explicit BackendPool(const BackendOptions& options) : options_(options) {}

  class Lease {
   public:
    Lease(BackendPool& pool, int threads)
        : pool_(&pool), threads_(threads), backend_(pool.acquire(threads)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (backend_) pool_->give_back(threads_, std::move(backend_));
    }
    Backend& operator*() const { return *backend_; }

   private:
    BackendPool* pool_;
    int threads_;
    std::unique_ptr<Backend> backend_;
  };

  // A context with this many threads, idle or new; on a GPU it has none of its own. Thread-safe.
  Lease lease(int threads) {
    return {*this, options_.device.kind() == Device::Kind::cuda ? 1 : threads};
  }
  // Of one context on a CPU, and how many contexts work for one call at most.
  int max_threads() const { return options_.threads; }
  // Contexts that are in use now. Thread-safe.
  int leased() const;

 private:
  std::unique_ptr<Backend> acquire(int threads);
  std::unique_ptr<Backend> take_idle(int threads);  // null: there is none
  void give_back(int threads, std::unique_ptr<Backend> backend) noexcept;

  BackendOptions options_;
  mutable std::mutex mutex_;
  int leased_ = 0;
  std::map<int, std::vector<std::unique_ptr<Backend>>> idle_;  // by number of threads
};

}  // namespace tandem
