// Memory of the cpu backend. Blocks that are given back are kept for the next taker: a call of the
// engine builds its caches anew, and pages that are fresh from the system cost more (a fault and a
// clearing each) than what is computed on them.
//
// Law: what is in use and what is kept are together never more than this call or the one before had
// in use at once, so that memory follows the calls and not their number; a call lasts until nothing
// is in use. Where a new block would break the law, the kept blocks that wait longest go back to the
// system.
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

  // Bytes in use and kept, of blocks that are large enough to be kept.
  std::size_t held() const;

 private:
  class Block;
  struct Free {
    void* data;
    std::size_t bytes;
  };

  // A kept block that is large enough and not more than twice as large, or null.
  Free take(std::size_t bytes);
  // A block from the system. Throws Error{resource_exhausted}.
  Free make(std::size_t bytes);
  // Lets kept blocks go until `bytes` more in use keep the law. For the holder of the lock.
  void make_room(std::size_t bytes);
  void count_in_use(std::size_t bytes);
  void give_back(Free block) noexcept;

  const std::size_t kept_limit_;
  mutable std::mutex mutex_;
  std::vector<Free> free_;  // what was given back last comes last: it is still in near caches
  std::size_t kept_ = 0;
  std::size_t used_ = 0;
  std::size_t most_used_ = 0;         // at once, in this call
  std::size_t most_used_before_ = 0;  // in the one before
};

}  // namespace tandem::cpu
