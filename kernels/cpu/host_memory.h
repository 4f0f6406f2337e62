// Memory of the cpu backend. Blocks that are given back are kept for the next taker, up to a bound:
// a call of the engine builds its caches anew, and pages that are fresh from the system cost more
// (a fault and a clearing each) than what is computed on them.
//
// Cost: a search among the kept blocks, usually a few dozen. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/backend.h"

namespace tandem::cpu {

class HostMemory : public std::enable_shared_from_this<HostMemory> {
 public:
  // `kept_bytes`: how much at most is kept while nobody uses it.
  explicit HostMemory(std::size_t kept_bytes) : kept_limit_(kept_bytes) {}
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  // At least `bytes` bytes, aligned to 64; may outlive this. Throws Error{resource_exhausted}.
  std::unique_ptr<Buffer> allocate(std::size_t bytes);

 private:
  class Block;
  struct Free {
    void* data;
    std::size_t bytes;
  };

  // A kept block that is large enough and not more than twice as large, or null.
  Free take(std::size_t bytes);
  void give_back(Free block) noexcept;

  const std::size_t kept_limit_;
  std::mutex mutex_;
  std::vector<Free> free_;  // what was given back last comes last: it is still in near caches
  std::size_t kept_ = 0;
};

}  // namespace tandem::cpu
