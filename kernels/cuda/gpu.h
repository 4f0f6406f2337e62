// One stream of work on one GPU: the seam between the CUDA backend, which is plain C++ and part of
// the library, and what needs the CUDA toolkit. The module tandem_cuda implements it (module.cu);
// tests implement it on the host. Nothing but Stream uses it.
//
// All work of a Gpu runs in the order in which it was asked for. Used by one thread at a time.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/cuda/launch_list.h"
#include "kernels/cuda/matrix_product.h"

namespace tandem::cuda {

// The library that `Gpu::multiply` needs.
struct ProductLibrary {
  bool found = false;
  std::string about;  // for people: its name and version, or what is missing
};

class Gpu {
 public:
  virtual ~Gpu() = default;

  virtual int ordinal() const = 0;
  virtual std::string name() const = 0;  // of the device, for people

  // Device memory, aligned to 256 bytes; null if there is not enough.
  virtual void* allocate(std::size_t bytes) = 0;
  // Waits for work that may use it.
  virtual void free(void* device) noexcept = 0;
  // Page-locked memory of the host; null if there is not enough.
  virtual void* allocate_host(std::size_t bytes) = 0;
  virtual void free_host(void* host) noexcept = 0;

  // Asynchronous for page-locked memory, which must stay as it is until the copy is done. Other
  // memory of the host may change once copy_in returns.
  virtual void copy_in(void* device, const void* host, std::size_t bytes) = 0;
  virtual void copy_out(void* host, const void* device, std::size_t bytes) = 0;

  // Waits until all work is done. Throws Error{device} for what went wrong since the last call.
  virtual void sync() = 0;

  // Runs the launches one after another; asynchronous, the list may change at once. Throws
  // Error{device} if one is refused.
  virtual void run(const LaunchList& launches) = 0;

  // Looks for it once for the process.
  virtual ProductLibrary product_library() const = 0;
  // Asynchronous, by that library; an equal call gives equal bits. False: it is missing or has no
  // algorithm for this product, and nothing was done. Throws Error{device}.
  virtual bool multiply(const MatrixProduct& product) = 0;
};

}  // namespace tandem::cuda
