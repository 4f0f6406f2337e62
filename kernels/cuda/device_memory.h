// The memory of one execution context on a GPU: a pool of plain allocations, so that steady work
// asks the driver for nothing, and small host arrays that travel to the device in stream order.
//
// A block that is given back may be taken again at once: the work that still uses it and the work
// that will use it are on one stream. Memory that several contexts share (weights) is filled before
// they see it and given back when none of them works any more.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/gpu.h"

namespace tandem::cuda {

// Sizes are rounded up to a step of an eighth of their power of two, 256 bytes at least: less than
// an eighth is wasted, and blocks of one size serve each other.
std::size_t rounded_size(std::size_t bytes);

class DeviceMemory : public std::enable_shared_from_this<DeviceMemory> {
 public:
  explicit DeviceMemory(std::unique_ptr<Gpu> gpu) : gpu_(std::move(gpu)) {}
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  Gpu& gpu() { return *gpu_; }

  // The buffer keeps this pool and its GPU alive. Throws Error{resource_exhausted}.
  std::unique_ptr<Buffer> allocate(std::size_t bytes);
  // Of a buffer that is destroyed; any thread.
  void give_back(void* device, std::size_t rounded) noexcept;

 private:
  void release_idle() noexcept;

  std::unique_ptr<Gpu> gpu_;
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> idle_;  // by rounded size
};

// Index arrays of the ops, copied from the host to page-locked memory and on to the device: those
// of one op in one copy. What `upload` returns stays valid until the next `begin` or `reset`.
class Uploads {
 public:
  explicit Uploads(DeviceMemory& memory) : memory_(memory) {}
  ~Uploads();
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  // Before the first upload of an op: waits for the device if much has piled up since `reset`.
  void begin();
  // All earlier work is done: its arrays may be overwritten.
  void reset();

  // Where the values will be on the device after `flush`; `values` may change once this returns.
  // Null for none of them. Throws Error{resource_exhausted}.
  template <class T>
  const T* upload(std::span<const T> values) {
    return static_cast<const T*>(upload_bytes(values.data(), values.size_bytes()));
  }
  // Before the kernel that reads them runs.
  void flush();

 private:
  struct Page {
    std::byte* host;
    std::unique_ptr<Buffer> device;
  };

  const void* upload_bytes(const void* values, std::size_t bytes);
  void add_page(std::size_t bytes);

  DeviceMemory& memory_;
  std::vector<Page> pages_;
  std::size_t page_ = 0, offset_ = 0;  // where the next array goes
  std::size_t flushed_ = 0;            // of this page
};

}  // namespace tandem::cuda
