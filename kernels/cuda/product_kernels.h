// Products y = activation(x W^T + b) + residual with packed weights, for few rows and for many.
//
// Weights lie as [word][output], where a word is one input (float32, bfloat16, float16) or four
// (int8), so that neighbouring threads read neighbouring words. Outputs are padded to 32.
//
// Order of additions: the words of a row are cut into kSpans spans of equal length, which depends
// on the number of words alone. A span is one chain of fused multiply-adds, words ascending; the
// spans are then added up, ascending. Both kernels do this for every output, so its bits do not
// depend on the number of rows, and the 16-bit types have the bits of float32 on rounded weights: x
// stays float32, the tensor cores are not used. int8 sums are exact, so their order does not
// matter.
//
//   few rows   a block owns 32 outputs of up to 4 rows and shares the spans among its threads: all
//              weights are read once for 4 rows, which is what decoding is bound by
//   many rows  a block owns 64 x 64 outputs, a thread 4 x 4 of them; weights are read once for 64
//              rows
#pragma once

#include "kernels/cuda/activation.h"
#include "kernels/cuda/block.h"
#include "kernels/cuda/narrow.h"

namespace tandem::cuda {

constexpr int kLanes = 32;  // threads that read a word of neighbouring outputs together
constexpr int kSpans = 8;
constexpr int kDepth = 16;  // words that the kernel for many rows takes at once; divides a span

// Words of a span. The last ones may be shorter, or empty.
constexpr TANDEM_HOST_DEVICE std::int64_t span_words(std::int64_t words) {
  return (words + kSpans * kDepth - 1) / (kSpans * kDepth) * kDepth;
}

constexpr std::int64_t padded_outputs(std::int64_t outputs) {
  return (outputs + kLanes - 1) / kLanes * kLanes;
}

// Weights that are widened as they are read.
template <class Stored>
struct FloatProduct {
  using Input = float;
  using Weight = Stored;
  using Sum = float;
  static TANDEM_HOST_DEVICE Sum add(Input x, Weight w, Sum sum) { return fmaf(x, widened(w), sum); }
};
using Float32Product = FloatProduct<float>;
using Bfloat16Product = FloatProduct<Bfloat16>;
using Float16Product = FloatProduct<Float16>;

// Four products of bytes.
TANDEM_HOST_DEVICE inline std::int32_t dot4(std::int32_t x, std::int32_t w, std::int32_t sum) {
#ifdef __CUDA_ARCH__
  return __dp4a(x, w, sum);
#else
  for (int shift = 0; shift < 32; shift += 8)
    sum += static_cast<std::int8_t>(x >> shift) * static_cast<std::int8_t>(w >> shift);
  return sum;
#endif
}

struct Int8Product {
  using Input = std::int32_t;
  using Weight = std::int32_t;
  using Sum = std::int32_t;
  static TANDEM_HOST_DEVICE Sum add(Input x, Weight w, Sum sum) { return dot4(x, w, sum); }
};

// What follows the sums. `bias` and `column_factors` are padded as the outputs are.
struct ProductEnd {
  const float* bias = nullptr;            // null: none
  const float* column_factors = nullptr;  // int8
  const float* row_factors = nullptr;     // int8: 1 / s of each row
  Activation activation = Activation::none;
  Rows<const float> residual;  // null data: none
  Rows<float> out;

  TANDEM_HOST_DEVICE void finish(std::int64_t n, std::int64_t column, float sum) const {
    if (bias != nullptr) sum = sum + bias[column];
    sum = activated(sum, activation);
    if (residual.data != nullptr) sum = sum + residual.row(n)[column];
    out.row(n)[column] = sum;
  }
  TANDEM_HOST_DEVICE void finish(std::int64_t n, std::int64_t column, std::int32_t sum) const {
    finish(n, column, static_cast<float>(sum) * (row_factors[n] * column_factors[column]));
  }
};

template <class Product>
struct ProductTask {
  Rows<const typename Product::Input> x;
  Rows<const typename Product::Weight> weights;
  std::int64_t rows = 0, words = 0, outputs = 0;
  ProductEnd end;
};

// Block of 256 threads, grid of ceil(outputs / 32) x ceil(rows / 4) blocks, 4096 bytes of shared
// memory for the spans' sums. Thread t owns span t / 32 of output t % 32, for 4 rows; then threads
// below 128 own one output of one row each.
template <class Product>
struct FewRowsKernel {
  static constexpr int kThreads = kLanes * kSpans;
  static constexpr int kRows = 4;
  using Sum = typename Product::Sum;
  struct Shared {
    Sum sums[kSpans][kRows][kLanes];
  };
  ProductTask<Product> task;

  Grid grid() const {
    return {padded_outputs(task.outputs) / kLanes, (task.rows + kRows - 1) / kRows};
  }

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const std::int64_t first_row = block.y() * kRows;
    const int rows = static_cast<int>(smaller<std::int64_t>(kRows, task.rows - first_row));
    block.each([&](int thread) { add_span(block.x(), first_row, rows, thread, shared); });
    block.each([&](int thread) {
      const int r = thread / kLanes, lane = thread % kLanes;
      const std::int64_t column = block.x() * kLanes + lane;
      if (r >= rows || column >= task.outputs) return;
      Sum total = 0;
      for (int span = 0; span < kSpans; ++span) total = total + shared.sums[span][r][lane];
      task.end.finish(first_row + r, column, total);
    });
  }

 private:
  TANDEM_HOST_DEVICE void add_span(std::int64_t lanes, std::int64_t first_row, int rows, int thread,
                                   Shared& shared) const {
    const int span = thread / kLanes, lane = thread % kLanes;
    const std::int64_t length = span_words(task.words);
    const std::int64_t begin = smaller(span * length, task.words);
    const std::int64_t end = smaller(begin + length, task.words);
    const typename Product::Weight* weights = task.weights.data + lanes * kLanes + lane;
    const typename Product::Input* x[kRows];
    Sum sums[kRows];
    for (int r = 0; r < kRows; ++r) {
      x[r] =
          task.x.row(first_row + (r < rows ? r : 0));  // a row that is not there repeats the first
      sums[r] = 0;
    }
    for (std::int64_t word = begin; word < end; ++word) {
      const typename Product::Weight w = weights[word * task.weights.stride];
      for (int r = 0; r < kRows; ++r) sums[r] = Product::add(x[r][word], w, sums[r]);
    }
    for (int r = 0; r < kRows; ++r) shared.sums[span][r][lane] = sums[r];
  }
};

// Block of 256 threads, grid of ceil(outputs / 64) x ceil(rows / 64) blocks, 8192 bytes of shared
// memory at most for a tile of inputs and one of weights. Thread t owns the outputs of the rows
// t / 16 + 16 i and the columns t % 16 + 16 j of the block, i and j from 0 to 3.
template <class Product>
struct ManyRowsKernel {
  static constexpr int kThreads = 256;
  static constexpr int kTile = 64;
  static constexpr int kSide = 16;  // threads along a side of the tile
  static constexpr int kOwn = kTile / kSide;
  using Input = typename Product::Input;
  using Weight = typename Product::Weight;
  using Sum = typename Product::Sum;
  struct Shared {
    Input x[kDepth][kTile];
    Weight weights[kDepth][kTile];
  };
  struct Sums {
    Sum at[kOwn][kOwn];
  };
  ProductTask<Product> task;

  Grid grid() const {
    return {(task.outputs + kTile - 1) / kTile, (task.rows + kTile - 1) / kTile};
  }

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    typename Block::template Own<Sums> totals, sums;
    block.each([&](int thread) { totals[thread] = Sums(); });
    const std::int64_t length = span_words(task.words);
    for (int span = 0; span < kSpans; ++span) {
      block.each([&](int thread) { sums[thread] = Sums(); });
      const std::int64_t begin = smaller(span * length, task.words);
      const std::int64_t end = smaller(begin + length, task.words);
      for (std::int64_t word = begin; word < end; word += kDepth) {
        const int depth = static_cast<int>(smaller<std::int64_t>(kDepth, end - word));
        block.each([&](int thread) { load(block, shared, thread, word, depth); });
        block.each([&](int thread) { multiply(shared, thread, depth, sums[thread]); });
      }
      block.each([&](int thread) { add(sums[thread], totals[thread]); });
    }
    block.each([&](int thread) { finish(block, thread, totals[thread]); });
  }

 private:
  // Each thread loads 4 words of both tiles. Neighbours take neighbouring words of a row of x and
  // neighbouring columns of the weights.
  template <class Block>
  TANDEM_HOST_DEVICE void load(const Block& block, Shared& shared, int thread, std::int64_t word,
                               int depth) const {
    for (int i = thread; i < kDepth * kTile; i += kThreads) {
      const int r = i / kDepth, k = i % kDepth;
      const std::int64_t n = block.y() * kTile + r;
      shared.x[k][r] = n < task.rows && k < depth ? task.x.row(n)[word + k] : Input(0);
    }
    for (int i = thread; i < kDepth * kTile; i += kThreads) {
      const int k = i / kTile, c = i % kTile;
      const std::int64_t column = block.x() * kTile + c;
      shared.weights[k][c] =
          column < task.outputs && k < depth ? task.weights.row(word + k)[column] : Weight{};
    }
  }

  // Only as deep as there are words: a padded zero could still turn -0 into 0.
  static TANDEM_HOST_DEVICE void multiply(const Shared& shared, int thread, int depth, Sums& sums) {
    const int row = thread / kSide, column = thread % kSide;
    for (int k = 0; k < depth; ++k)
      for (int i = 0; i < kOwn; ++i)
        for (int j = 0; j < kOwn; ++j)
          sums.at[i][j] = Product::add(shared.x[k][row + kSide * i],
                                       shared.weights[k][column + kSide * j], sums.at[i][j]);
  }

  static TANDEM_HOST_DEVICE void add(const Sums& sums, Sums& totals) {
    for (int i = 0; i < kOwn; ++i)
      for (int j = 0; j < kOwn; ++j) totals.at[i][j] = totals.at[i][j] + sums.at[i][j];
  }

  template <class Block>
  TANDEM_HOST_DEVICE void finish(const Block& block, int thread, const Sums& totals) const {
    TANDEM_UNROLL
    for (int i = 0; i < kOwn; ++i) {
      TANDEM_UNROLL
      for (int j = 0; j < kOwn; ++j) {
        const std::int64_t n = block.y() * kTile + thread / kSide + kSide * i;
        const std::int64_t column = block.x() * kTile + thread % kSide + kSide * j;
        if (n < task.rows && column < task.outputs) task.end.finish(n, column, totals.at[i][j]);
      }
    }
  }
};

}  // namespace tandem::cuda
