// A product of many rows by NVIDIA's library, on tensor cores where the type has them: what
// Gpu::multiply is asked, in plain values.
//
//   float32            float32 products and sums
//   bfloat16, float16  products that are exact in float32, float32 sums
//   int8               exact 32-bit sums
//
// The order of additions is the library's and depends on the shape, so Numerics::fast alone uses it
// for floats. Sums of int8 have the same bits in every order.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <tandem/device.h>

#include "kernels/cuda/block.h"
#include "kernels/cuda/narrow.h"

namespace tandem::cuda {

// Rows of elements of the product's type, `stride` elements apart, in device memory.
struct Operand {
  const void* data = nullptr;
  std::int64_t stride = 0;

  template <class T>
  Rows<const T> rows() const {
    return {static_cast<const T*>(data), stride};
  }
};

// out = relu(x W^T + bias) + residual, each part where it is asked for; sums = x W^T for int8.
//
// int8: both operands stand along their inputs. Their strides, `inputs` and `outputs` are multiples
// of 16, which the library's kernels need (4) or prefer: "To use IMMA kernels", requirements of
// regular data ordering, section cublasLtMatmul() of the cuBLAS manual.
struct MatrixProduct {
  ComputeType type = ComputeType::bfloat16;  // never automatic
  std::int64_t rows = 0, inputs = 0, outputs = 0;
  Operand x;                    // [rows, inputs]
  Operand weights;              // [inputs, outputs]; int8: [outputs, inputs]
  const float* bias = nullptr;  // [outputs]; null: none
  bool relu = false;            // not with a residual; of a NaN the library may make 0
  Rows<const float> residual;   // [rows, outputs], may be `out`; null data: none
  Rows<float> out;              // [rows, outputs]
  Rows<std::int32_t> sums;      // int8 has these alone, in place of the four above
  void* workspace = nullptr;    // that the library may use until the product is done
  std::size_t workspace_bytes = 0;
};

// 32 MiB, which NVIDIA advises for compute capability 9; with less some algorithms are not chosen.
constexpr std::size_t kProductWorkspace = std::size_t{32} << 20;

// The widest load of a kernel of tensor cores, in bytes.
constexpr std::int64_t kOperandAlignment = 16;

// A stride for rows of `inputs` elements of `bytes` each, such that all rows are aligned.
constexpr std::int64_t aligned_stride(std::int64_t inputs, std::int64_t bytes) {
  const std::int64_t step = kOperandAlignment / bytes;
  return (inputs + step - 1) / step * step;
}

// The number of rows for which an algorithm is chosen: the next step of an eighth of a power of
// two, of 16 at least. One choice serves all products between two steps.
constexpr std::int64_t rows_bucket(std::int64_t rows) {
  const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(rows)));
  const std::int64_t step = std::max<std::int64_t>(16, power / 8);
  return (rows + step - 1) / step * step;
}

}  // namespace tandem::cuda
