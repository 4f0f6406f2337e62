// The work of one execution context on a GPU, in the order in which it was asked for. Launches
// gather on the host, and so do the index arrays that they read: both go to the device when the
// host has to wait for results or copies memory, or says `submit`, so that a decoder step is one
// copy of small arrays and one list of launches, which the GPU may run as a graph.
//
// Used by one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kernels/cuda/gpu.h"

namespace tandem::cuda {

class Stream {
 public:
  explicit Stream(std::unique_ptr<Gpu> gpu) : gpu_(std::move(gpu)) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  const Gpu& gpu() const { return *gpu_; }

  // Device memory, as Gpu's.
  void* allocate(std::size_t bytes) { return gpu_->allocate(bytes); }
  // Nothing that was asked for since the last `sync` or `drain` may use it.
  void free(void* device) noexcept { gpu_->free(device); }

  // Before the first upload of an op: hands over what has gathered, and waits, if that is much.
  void begin_op();
  // Where the values are on the device for kernels that run before the next `begin_op`; `values`
  // may change once this returns. Null for none of them. Throws Error{resource_exhausted}.
  template <class T>
  const T* upload(std::span<const T> values) {
    return static_cast<const T*>(upload_bytes(values.data(), values.size_bytes()));
  }

  template <class Kernel>
  void run(const Kernel& kernel, const Grid& grid) {
    launches_.add(kernel, grid);
  }

  // Behind all launches, as Gpu's.
  bool multiply(const MatrixProduct& product);
  void copy_in(void* device, const void* host, std::size_t bytes);
  void copy_out(void* host, const void* device, std::size_t bytes);
  // Hands over what has gathered, so that the device begins.
  void submit();
  // Waits until all work is done. What was uploaded is void. Throws Error{device}.
  void sync();
  // The same in the middle of an op: what was uploaded stays.
  void drain();

 private:
  // Page-locked memory of the host and its place on the device; both of `bytes`.
  struct Page {
    std::byte* host;
    std::byte* device;
    std::size_t bytes;
  };

  const void* upload_bytes(const void* values, std::size_t bytes);
  void add_page(std::size_t bytes);
  void copy_page();

  std::unique_ptr<Gpu> gpu_;
  LaunchList launches_;
  std::vector<Page> pages_;
  std::size_t page_ = 0, offset_ = 0;  // where the next array goes
  std::size_t copied_ = 0;             // of this page
};

}  // namespace tandem::cuda
