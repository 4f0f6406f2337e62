// Gpu::multiply by NVIDIA's cuBLASLt, which is loaded when it is first needed: the module opens and
// runs without it. Part of the module tandem_cuda.
//
// One algorithm is chosen for each kind of product (types, shape, strides, alignment, epilogue,
// bucket of rows) by the library's heuristic and kept, so that the same call always runs the same
// kernel. Used by one thread at a time.
//
// Cost: opening the library once for the process, a handle for each Gpu, some 10 us of the host for
// a new kind of product; then one launch.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include <cublasLt.h>
#include <cuda_runtime.h>

#include "kernels/cuda/gpu.h"

namespace tandem::cuda {

class CublasLt {
 public:
  CublasLt() = default;
  ~CublasLt();
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  // Whether it can be loaded, its version or what is missing.
  static ProductLibrary about();

  // As Gpu::multiply, on the current device.
  bool multiply(const MatrixProduct& product, cudaStream_t stream);

 private:
  using Kind = std::array<std::int64_t, 14>;

  std::optional<cublasLtMatmulAlgo_t> choose(const MatrixProduct& product) const;

  cublasLtHandle_t handle_ = nullptr;
  std::map<Kind, std::optional<cublasLtMatmulAlgo_t>> choices_;
};

}  // namespace tandem::cuda
