// Many-row float32 products by oneDNN, for Numerics::fast only: its order of additions depends on
// the number of rows. Reads the panels of CpuPackedLinear where they lie (oneDNN's layout
// BA16a64b).
//
// Absent from builds without oneDNN, where make_onednn_matmul() gives null.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/cpu/packed_linear.h"

namespace tandem::cpu {

class OnednnMatmul {
 public:
  virtual ~OnednnMatmul() = default;
  // out = x W^T without bias.  x [rows, K], out [rows, N], strides in elements. Runs on the calling
  // thread alone. The first call for a combination of shape, rows and strides costs some 50 us. One
  // object per thread. Throws Error{internal} if oneDNN fails.
  virtual void run(const float* x, std::int64_t x_stride, std::int64_t rows,
                   const CpuPackedLinear& weights, float* out, std::int64_t out_stride) = 0;
};

std::unique_ptr<OnednnMatmul> make_onednn_matmul();

}  // namespace tandem::cpu
