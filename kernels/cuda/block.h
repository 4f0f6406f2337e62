// How a kernel of this folder is written: once, as the work of one block of threads, in C++ that
// both nvcc and any other compiler takes. On a device the block's threads run it; in the tests one
// host thread runs it over full grids, against the reference backend.
//
// A kernel is a struct of arguments with
//
//   static constexpr int kThreads     threads of a block
//   struct Shared                     what the block shares
//   template <class Block> void operator()(Block& block, Shared& shared) const
//
// whose body is made of these steps, and of control flow that is the same for all threads:
//
//   block.each([&](int thread) {...}) every thread runs it, then all wait for one another
//   Block::Own<T> value; value[thread]  a variable of each thread that outlives one `each`
//   block.shared_value(x)             x, an element of Shared, read by all between two `each`
//   block.x(), block.y()              the place of the block in its grid
//
// Within one `each` a thread must not read what another writes; the tests run the threads of a
// block in both directions and expect equal bits. Shared is read and written inside of `each` only,
// but for shared_value. Multiplications and additions are not contracted (nvcc -fmad=false): where
// a fused one is meant, fmaf says so.
#pragma once

#include <cmath>
#include <cstdint>

// Under nvcc only the device's half is wanted; other compilers compile the host's. TANDEM_UNROLL
// stands before loops over a thread's array, whose elements are registers only if it is unrolled.
#ifdef __CUDACC__
#define TANDEM_HOST_DEVICE __device__
#define TANDEM_UNROLL _Pragma("unroll")
#else
#define TANDEM_HOST_DEVICE
#define TANDEM_UNROLL
#endif

namespace tandem::cuda {

// Blocks of a launch.
struct Grid {
  std::int64_t x = 0, y = 1;
};

// [*, columns] elements whose rows stand `stride` elements apart, in device memory.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;

  TANDEM_HOST_DEVICE T* row(std::int64_t n) const { return data + n * stride; }
};

template <class T>
constexpr TANDEM_HOST_DEVICE T smaller(T a, T b) {
  return b < a ? b : a;
}

struct Plus {
  TANDEM_HOST_DEVICE float operator()(float a, float b) const { return a + b; }
};

struct Maximum {
  TANDEM_HOST_DEVICE float operator()(float a, float b) const { return a < b ? b : a; }
};

// Combines the values of kThreads threads, a power of two, in a tree whose shape is fixed.
// `scratch` is an array of as many elements of Shared.
template <int kThreads, class Block, class T, class Values, class Combine>
TANDEM_HOST_DEVICE T reduce(Block& block, T (&scratch)[kThreads], const Values& values,
                            const Combine& combine) {
  static_assert((kThreads & (kThreads - 1)) == 0);
  block.each([&](int thread) { scratch[thread] = values[thread]; });
  for (int half = kThreads / 2; half > 0; half /= 2)
    block.each([&](int thread) {
      if (thread < half) scratch[thread] = combine(scratch[thread], scratch[thread + half]);
    });
  return block.shared_value(scratch[0]);
}

}  // namespace tandem::cuda
