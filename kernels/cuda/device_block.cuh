// The block of block.h on a device, and the launch of a kernel as a grid of such blocks. The host
// counterpart of tests/kernels/host_gpu.h.
#pragma once

#include <cstdint>

#include "kernels/cuda/block.h"

namespace tandem::cuda {

class DeviceBlock {
 public:
  // A variable of this thread: in a register.
  template <class T>
  class Own {
   public:
    __device__ T& operator[](int /*thread*/) { return value_; }
    __device__ const T& operator[](int /*thread*/) const { return value_; }

   private:
    T value_;
  };

  __device__ std::int64_t x() const { return blockIdx.x; }
  __device__ std::int64_t y() const { return blockIdx.y; }
  template <class Function>
  __device__ void each(const Function& f) {
    f(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
  // No thread writes it before all have read it.
  template <class T>
  __device__ T shared_value(const T& value) {
    const T copy = value;
    __syncthreads();
    return copy;
  }
};

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, 1) run_block(const Kernel kernel) {
  __shared__ typename Kernel::Shared shared;
  DeviceBlock block;
  kernel(block, shared);
}

}  // namespace tandem::cuda
