#include "api/backend_pool.h"

#include <utility>

namespace tandem {

std::unique_ptr<Backend> BackendPool::acquire(int threads) {
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<Backend>>& idle = idle_[threads];
    if (!idle.empty()) {
      std::unique_ptr<Backend> backend = std::move(idle.back());
      idle.pop_back();
      return backend;
    }
  }
  BackendOptions options = options_;
  options.threads = threads;
  return make_backend(options);
}

void BackendPool::give_back(int threads, std::unique_ptr<Backend> backend) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    idle_[threads].push_back(std::move(backend));
  } catch (...) {  // no memory to remember it: the context is freed instead
  }
}

}  // namespace tandem
