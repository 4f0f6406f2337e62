// Layer norm and root-mean-square norm: one row a block, so that a row's numbers depend on it
// alone.
//
// Both: block of 128 threads, grid of N blocks, 512 bytes of shared memory for sums. Thread t owns
// the columns t, t + 128, ... of the row; `out` may be `x`.
#pragma once

#include "kernels/cuda/block.h"

namespace tandem::cuda {

struct NormShared {
  float sums[128];
};

// The sum of f(column) over a row.
template <class Block, class Function>
TANDEM_HOST_DEVICE float row_sum(Block& block, NormShared& shared, std::int64_t columns,
                                 const Function& f) {
  typename Block::template Own<float> sum;
  block.each([&](int thread) {
    float own = 0.0F;
    for (std::int64_t d = thread; d < columns; d += 128) own = own + f(d);
    sum[thread] = own;
  });
  return reduce(block, shared.sums, sum, Plus());
}

struct LayerNormKernel {
  static constexpr int kThreads = 128;
  using Shared = NormShared;
  Rows<const float> x;
  const float* gain = nullptr;
  const float* bias = nullptr;  // null: none
  float epsilon = 0;
  std::int64_t columns = 0;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const float* row = x.row(block.x());
    float* to = out.row(block.x());
    const auto width = static_cast<float>(columns);
    const float mean =
        row_sum(block, shared, columns, [&](std::int64_t d) { return row[d]; }) / width;
    const float squares = row_sum(
        block, shared, columns, [&](std::int64_t d) { return (row[d] - mean) * (row[d] - mean); });
    const float factor = 1.0F / sqrtf(squares / width + epsilon);
    block.each([&](int thread) {
      for (std::int64_t d = thread; d < columns; d += kThreads)
        to[d] = fmaf((row[d] - mean) * factor, gain[d], bias == nullptr ? 0.0F : bias[d]);
    });
  }
};

struct RmsNormKernel {
  static constexpr int kThreads = 128;
  using Shared = NormShared;
  Rows<const float> x;
  const float* gain = nullptr;
  float epsilon = 0;
  std::int64_t columns = 0;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const float* row = x.row(block.x());
    float* to = out.row(block.x());
    const float squares =
        row_sum(block, shared, columns, [&](std::int64_t d) { return row[d] * row[d]; });
    const float factor = 1.0F / sqrtf(squares / static_cast<float>(columns) + epsilon);
    block.each([&](int thread) {
      for (std::int64_t d = thread; d < columns; d += kThreads) to[d] = row[d] * factor * gain[d];
    });
  }
};

}  // namespace tandem::cuda
