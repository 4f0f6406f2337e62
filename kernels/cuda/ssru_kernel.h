// The simpler simple recurrent unit over the rows of a call, in their order: a later row may read
// the state that an earlier one wrote.
//
// Block of 64 threads, grid of ceil(D / 64) blocks, no shared memory. A thread owns one column: it
// walks over all rows, so chains through the slots need no other order than its own.
#pragma once

#include "kernels/cuda/activation.h"
#include "kernels/cuda/block.h"
#include "kernels/cuda/row_kernels.h"

namespace tandem::cuda {

struct SsruKernel {
  static constexpr int kThreads = 64;
  using Shared = NothingShared;
  std::int64_t rows = 0, columns = 0;
  Rows<const float> candidate, forget;
  const std::int32_t* previous_slots = nullptr;
  const std::int32_t* slots = nullptr;
  Rows<float> states, out;

  Grid grid() const { return {(columns + kThreads - 1) / kThreads, 1}; }

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    const std::int64_t first = block.x() * kThreads;
    block.each([&](int thread) {
      const std::int64_t d = first + thread;
      if (d >= columns) return;
      for (std::int64_t n = 0; n < rows; ++n) {
        const float previous = previous_slots[n] < 0 ? 0.0F : states.row(previous_slots[n])[d];
        const float f = sigmoid(forget.row(n)[d]);
        const float c = f * previous + (1.0F - f) * candidate.row(n)[d];
        states.row(slots[n])[d] = c;
        out.row(n)[d] = c < 0.0F ? 0.0F : c;
      }
    });
  }
};

}  // namespace tandem::cuda
