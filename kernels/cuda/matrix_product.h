// A product of many rows on tensor cores: what Gpu::multiply is asked, in plain values. Both
// operands have 16 bits, their products are exact in float32, and the sums are float32 in an order
// of the library's, which depends on the shape; so Numerics::fast alone uses it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/block.h"
#include "kernels/cuda/narrow.h"

namespace tandem::cuda {

// out = relu(x W^T + bias) + residual, each part where it is asked for.
struct MatrixProduct {
  enum class Type { bfloat16, float16 };
  Type type = Type::bfloat16;
  std::int64_t rows = 0, inputs = 0, outputs = 0;
  Rows<const std::uint16_t> x;        // [rows, inputs], bits of `type`
  Rows<const std::uint16_t> weights;  // [inputs, outputs], bits of `type`
  const float* bias = nullptr;        // [outputs]; null: none
  bool relu = false;                  // not with a residual; of a NaN the library may make 0
  Rows<const float> residual;         // [rows, outputs], may be `out`; null data: none
  Rows<float> out;                    // [rows, outputs]
  void* workspace = nullptr;          // that the library may use until the product is done
  std::size_t workspace_bytes = 0;
};

// 32 MiB, which NVIDIA advises for compute capability 9; with less some algorithms are not chosen.
constexpr std::size_t kProductWorkspace = std::size_t{32} << 20;

// The number of rows for which an algorithm is chosen: the next step of an eighth of a power of
// two, of 16 at least. One choice serves all products between two steps.
constexpr std::int64_t rows_bucket(std::int64_t rows) {
  const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(rows)));
  const std::int64_t step = std::max<std::int64_t>(16, power / 8);
  return (rows + step - 1) / step * step;
}

}  // namespace tandem::cuda
