#include "api/backend_pool.h"

#include <utility>

namespace tandem {

int BackendPool::leased() const {
  const std::lock_guard lock(mutex_);
  return leased_;
}

std::unique_ptr<Backend> BackendPool::acquire(int threads) {
  std::unique_ptr<Backend> backend = take_idle(threads);
  if (backend == nullptr) {
    BackendOptions options = options_;
    options.threads = threads;
    backend = make_backend(options);
  }
  const std::lock_guard lock(mutex_);
  ++leased_;
  return backend;
}

std::unique_ptr<Backend> BackendPool::take_idle(int threads) {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Backend>>& idle = idle_[threads];
  if (idle.empty()) return nullptr;
  std::unique_ptr<Backend> backend = std::move(idle.back());
  idle.pop_back();
  return backend;
}

void BackendPool::give_back(int threads, std::unique_ptr<Backend> backend) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    --leased_;
    idle_[threads].push_back(std::move(backend));
  } catch (...) {  // no memory to remember it: the context is freed instead
  }
}

}  // namespace tandem
