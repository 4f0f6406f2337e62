// The memory of one execution context on a GPU: a pool of plain allocations, so that steady work
// asks the driver for nothing.
//
// A block that is given back may be taken again at once: the work that still uses it and the work
// that will use it are on one stream. Memory that several contexts share (weights) is filled before
// they see it and given back when none of them works any more.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/stream.h"

namespace tandem::cuda {

// Sizes are rounded up to a step of an eighth of their power of two, 256 bytes at least: less than
// an eighth is wasted, and blocks of one size serve each other.
std::size_t rounded_size(std::size_t bytes);

class DeviceMemory : public std::enable_shared_from_this<DeviceMemory> {
 public:
  explicit DeviceMemory(std::unique_ptr<Gpu> gpu) : stream_(std::move(gpu)) {}
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  Stream& stream() { return stream_; }

  // The buffer keeps this pool and its GPU alive. Throws Error{resource_exhausted}.
  std::unique_ptr<Buffer> allocate(std::size_t bytes);
  // Of a buffer that is destroyed; any thread.
  void give_back(void* device, std::size_t rounded) noexcept;

 private:
  // Blocks of one rounded size. `idle` has room for all of them, so that giving back cannot fail.
  struct Blocks {
    std::vector<void*> idle;
    std::size_t all = 0;
  };

  void* take_new(std::size_t rounded);
  void release_idle() noexcept;

  Stream stream_;
  std::mutex mutex_;
  std::map<std::size_t, Blocks> blocks_;  // by rounded size
};

}  // namespace tandem::cuda
