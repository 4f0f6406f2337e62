// What surrounds a product: its inputs as int8 steps or in 16 bits, what follows the sums of a
// library, and the choice of some of its outputs.
#pragma once

#include "kernels/cuda/block.h"
#include "kernels/cuda/narrow.h"
#include "kernels/cuda/product_kernels.h"
#include "kernels/cuda/row_kernels.h"

namespace tandem::cuda {

// q = clamp(round_half_even(x * s), -127, 127), four to a word, zeros behind the last input. The
// scale s is `fixed_scale`, or 127 / max|x| of the row where that is 0. A row with a NaN or an
// infinity gets a NaN for its factor, so that its products show it; a row below 1e-30 counts as
// zeros.
//
// Block of 128 threads, grid of N blocks, 512 bytes of shared memory for the maximum. Thread t owns
// the words t, t + 128, ... of a row.
struct QuantizeKernel {
  static constexpr int kThreads = 128;
  struct Shared {
    float maxima[kThreads];
  };
  Rows<const float> x;
  std::int64_t inputs = 0;
  float fixed_scale = 0;
  Rows<std::int32_t> steps;
  float* row_factors = nullptr;  // 1 / s; 1 for a fixed s, which the product scales hold

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const float* row = x.row(block.x());
    typename Block::template Own<float> maximum;
    block.each([&](int thread) {
      float own = 0.0F;
      for (std::int64_t k = thread; k < inputs; k += kThreads) {
        const float magnitude = fabsf(row[k]);
        own = magnitude <= own ? own : magnitude < HUGE_VALF ? magnitude : HUGE_VALF;
      }
      maximum[thread] = own;
    });
    const float most = reduce(block, shared.maxima, maximum, Maximum());
    const bool finite = most < HUGE_VALF;
    const bool zeros = !finite || (fixed_scale == 0.0F && most < 1e-30F);
    const float scale = fixed_scale != 0.0F ? fixed_scale : 127.0F / most;
    std::int32_t* to = steps.row(block.x());
    block.each([&](int thread) {
      if (thread == 0)
        row_factors[block.x()] = !finite                        ? most - most
                                 : zeros || fixed_scale != 0.0F ? 1.0F
                                                                : 1.0F / scale;
      for (std::int64_t word = thread; 4 * word < inputs; word += kThreads)
        to[word] = zeros ? 0 : packed_steps(row, 4 * word, scale);
    });
  }

 private:
  TANDEM_HOST_DEVICE std::int32_t packed_steps(const float* row, std::int64_t first,
                                               float scale) const {
    std::uint32_t word = 0;
    for (int i = 0; i < 4 && first + i < inputs; ++i) {
      const float step = fminf(127.0F, fmaxf(-127.0F, rintf(row[first + i] * scale)));
      word |= (static_cast<std::uint32_t>(static_cast<std::int32_t>(step)) & 0xFFU) << (8 * i);
    }
    return static_cast<std::int32_t>(word);
  }
};

// out[n] = x[n], rounded to 16 bits. As the other ops on elements: a thread owns one of them.
template <class To>
struct RoundKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const float> x;
  Rows<To> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block,
                  [&](std::int64_t n, std::int64_t d) { store(x.row(n)[d], out.row(n)[d]); });
  }
};

// What follows a product, on sums that are in memory. A thread owns one of them.
template <class Sum>
struct FinishKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;
  Rows<const Sum> sums;
  ProductEnd end;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t n, std::int64_t d) { end.finish(n, d, sums.row(n)[d]); });
  }
};

// Packed words with those of an output one after another: to[output][word] = from[word][output],
// zeros behind the last word up to the stride.
//
// A thread owns one word of `to`, so that neighbours write neighbouring words. It runs when a model
// is loaded and once for a lexical shortlist.
struct TransposeKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;  // padded outputs, words of a row of `to`
  std::int64_t words = 0;
  Rows<const std::uint32_t> from;
  Rows<std::uint32_t> to;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t output, std::int64_t word) {
      to.row(output)[word] = word < words ? from.row(word)[output] : 0;
    });
  }
};

// Some outputs of packed weights, as packed weights: to[word][output] =
// from[word][columns[output]]; zeros behind the last one. Bias and scales have one word.
//
// As the other ops on elements: a thread owns one word of one output.
template <class Word>
struct SelectColumnsKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;  // words, padded outputs
  std::int64_t outputs = 0;
  const std::int32_t* columns = nullptr;
  Rows<const Word> from;
  Rows<Word> to;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t word, std::int64_t output) {
      to.row(word)[output] = output < outputs ? from.row(word)[columns[output]] : 0;
    });
  }
};

}  // namespace tandem::cuda
