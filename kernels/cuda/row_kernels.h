// Ops on elements: embed, gather, scatter, add, multiply, activate. Bound by memory.
//
// All of them: block of 256 threads, grid of ceil(N * D / 256) blocks, no shared memory. A thread
// owns one element of [N, D]; neighbouring threads own neighbouring columns.
#pragma once

#include "base/candidate.h"
#include "kernels/cuda/activation.h"
#include "kernels/cuda/block.h"
#include "kernels/cuda/narrow.h"

namespace tandem::cuda {

struct NothingShared {};

// The elements of a matrix as a grid of blocks.
struct Elements {
  static constexpr int kThreads = 256;
  std::int64_t rows = 0, columns = 0;

  Grid grid() const { return {(rows * columns + kThreads - 1) / kThreads, 1}; }

  // f(n, d) for the element of each thread.
  template <class Block, class Function>
  TANDEM_HOST_DEVICE void each(Block& block, const Function& f) const {
    const std::int64_t first = block.x() * kThreads, count = rows * columns;
    block.each([&](int thread) {
      const std::int64_t element = first + thread;
      if (element < count) f(element / columns, element % columns);
    });
  }
};

struct EmbedKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const float> table;
  const std::int32_t* ids = nullptr;
  const Candidate* chosen = nullptr;  // not null: their tokens are the ids
  float scale = 1.0F;
  Rows<const float> positions;  // null data: none
  const std::int32_t* position_ids = nullptr;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t n, std::int64_t d) {
      const TokenId id = chosen != nullptr ? chosen[n].token : ids[n];
      float value = id < 0 ? 0.0F : scale * table.row(id)[d];
      if (positions.data != nullptr) value = value + positions.row(position_ids[n])[d];
      out.row(n)[d] = value;
    });
  }
};

template <class From, class To>
struct GatherKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const From> from;
  const std::int32_t* rows = nullptr;
  Rows<To> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(
        block, [&](std::int64_t n, std::int64_t d) { store(from.row(rows[n])[d], out.row(n)[d]); });
  }
};

using GatherFloat32 = GatherKernel<float, float>;
using GatherFloat16 = GatherKernel<Float16, Float16>;
using GatherRounded = GatherKernel<float, Float16>;

// Of several rows that go to one place, any may win.
template <class To>
struct ScatterKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const float> from;
  const std::int32_t* to_rows = nullptr;
  Rows<To> to;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t n, std::int64_t d) {
      store(from.row(n)[d], to.row(to_rows[n])[d]);
    });
  }
};

struct AddKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const float> a, b;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(
        block, [&](std::int64_t n, std::int64_t d) { out.row(n)[d] = a.row(n)[d] + b.row(n)[d]; });
  }
};

struct MultiplyKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const float> a, b;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(
        block, [&](std::int64_t n, std::int64_t d) { out.row(n)[d] = a.row(n)[d] * b.row(n)[d]; });
  }
};

struct ActivateKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const float> x;
  Activation activation = Activation::none;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t n, std::int64_t d) {
      out.row(n)[d] = activated(x.row(n)[d], activation);
    });
  }
};

}  // namespace tandem::cuda
