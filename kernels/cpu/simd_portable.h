// Vectors of 4 floats in the compiler's own vector extension: the baseline that every CPU has (SSE2
// on x86-64). One of three headers with the same contents (simd_avx2.h, simd_avx512.h); each file
// of kernels includes exactly one before the *-inl.h bodies. Everything is in an anonymous
// namespace: each instruction set has its own copy.
//
// Arithmetic is written with the operators; only what has none is named here. `fma` may round twice
// where the hardware has no fused form, so that results differ between instruction sets in the last
// bits, never within one.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tandem::cpu {
namespace {

constexpr int kLanes = 4;
using Floats = float __attribute__((vector_size(16)));
using Ints = std::int32_t __attribute__((vector_size(16)));
using Bits = std::uint32_t __attribute__((vector_size(16)));

inline Floats broadcast(float x) {
  return Floats{x, x, x, x};
}
inline Ints broadcast_int(std::int32_t x) {
  return Ints{x, x, x, x};
}
inline Floats load(const float* p) {
  Floats v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Floats v) {
  __builtin_memcpy(p, &v, sizeof v);
}
inline Ints load_ints(const std::int32_t* p) {
  Ints v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// The first n lanes, 0 < n <= kLanes; the others are zero (load) or left alone (store).
inline Floats load_first(const float* p, std::int64_t n) {
  Floats v = broadcast(0);
  for (std::int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
// Keeps a vector that was loaded in a register. Used where a compiler would load it anew for every
// product, which a processor with vectors of a cache line cannot keep up with.
inline Floats in_register(Floats v) {
  return v;
}
// The first n lanes, 0 <= n <= kLanes, of `v`, the rest of `others`.
inline Floats first_or(Floats v, std::int64_t n, Floats others) {
  for (std::int64_t i = n; i < kLanes; ++i) v[i] = others[i];
  return v;
}
inline void store_first(float* p, Floats v, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
}

inline Floats fma(Floats a, Floats b, Floats c) {
  return a * b + c;
}

inline Floats choose(Ints mask, Floats yes, Floats no) {
  return reinterpret_cast<Floats>((mask & reinterpret_cast<Ints>(yes)) |
                                  (~mask & reinterpret_cast<Ints>(no)));
}
// Both give b when the two cannot be compared.
inline Floats max_of(Floats a, Floats b) {
  return choose(reinterpret_cast<Ints>(a > b), a, b);
}
inline Floats min_of(Floats a, Floats b) {
  return choose(reinterpret_cast<Ints>(a < b), a, b);
}
// a < b ? yes : no
inline Floats if_less(Floats a, Floats b, Floats yes, Floats no) {
  return choose(reinterpret_cast<Ints>(a < b), yes, no);
}
inline Floats absolute(Floats v) {
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(v) & broadcast_int(0x7FFFFFFF));
}
// The larger of two absolute values; a NaN is larger than all numbers.
inline Floats max_magnitude(Floats a, Floats b) {
  const auto x = reinterpret_cast<Ints>(a), y = reinterpret_cast<Ints>(b);
  return choose(x > y, a, b);
}
// Bit i says whether a > b in lane i.
inline unsigned greater_lanes(Floats a, Floats b) {
  const Ints mask = reinterpret_cast<Ints>(a > b);
  return (mask[0] & 1U) | (mask[1] & 2U) | (mask[2] & 4U) | (mask[3] & 8U);
}

// Nearest integer, ties to even, for |v| < 2^22: adding 1.5 * 2^23 leaves the integer in the
// mantissa.
inline Ints round_to_int(Floats v) {
  const Floats magic = broadcast(12582912.0F);
  return reinterpret_cast<Ints>(v + magic) - reinterpret_cast<Ints>(magic);
}
inline Floats to_float(Ints v) {
  return __builtin_convertvector(v, Floats);
}
// The same as a float, also for a NaN.
inline Floats nearest_integer(Floats v) {
  const Floats magic = broadcast(12582912.0F);
  return (v + magic) - magic;
}
// v * 2^n for an integer -127 < n < 129, where 2^128 may count as infinity.
inline Floats times_power_of_two(Floats v, Floats n) {
  return v * reinterpret_cast<Floats>((reinterpret_cast<Bits>(round_to_int(n)) + 127U) << 23);
}
inline float reduce_add(Floats v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}
inline float reduce_max(Floats v) {
  const float a = v[0] > v[2] ? v[0] : v[2], b = v[1] > v[3] ? v[1] : v[3];
  return a > b ? a : b;
}
// Lane i is the sum of the lanes of v[i], added in the same order for every i: lanes l and
// l + kLanes / 2 first, then those sums in the same way.
inline Floats reduce_add_each(const Floats (&v)[kLanes]) {
  return Floats{reduce_add(v[0]), reduce_add(v[1]), reduce_add(v[2]), reduce_add(v[3])};
}
// Lane j of v[i] changes places with lane i of v[j].
inline void transpose(Floats (&v)[kLanes]) {
  for (int i = 0; i < kLanes; ++i)
    for (int j = 0; j < i; ++j) {
      const float upper = v[j][i];
      v[j][i] = v[i][j];
      v[i][j] = upper;
    }
}
// To all caches, or to L2 and not L1, which has no room for what is read much later.
inline void prefetch(const void* p) {
  __builtin_prefetch(p);
}
inline void prefetch_far(const void* p) {
  __builtin_prefetch(p, /*rw=*/0, /*locality=*/2);
}

// Weights of bfloat16 come as 2 inputs of one column in 4 bytes, the first in the low half; both
// widen to float32 exactly.
inline Floats low_bfloat16(Ints v) {
  return reinterpret_cast<Floats>(reinterpret_cast<Bits>(v) << 16);
}
inline Floats high_bfloat16(Ints v) {
  return reinterpret_cast<Floats>(reinterpret_cast<Bits>(v) & 0xFFFF0000U);
}

// Weights of int8 come as 4 inputs of one column in 4 bytes. Widened to 16 bits they are two
// vectors, the inputs 0 and 2 and the inputs 1 and 3, and pairs of 16-bit products add up exactly
// in 32 bits. Here alone: the other two multiply bytes (product_int8_bytes-inl.h).
inline Ints even_bytes(Ints v) {
#if defined(__SSE2__)
  const auto w = reinterpret_cast<__m128i>(v);
  return reinterpret_cast<Ints>(_mm_srai_epi16(_mm_slli_epi16(w, 8), 8));
#else
  const Ints low = reinterpret_cast<Ints>(reinterpret_cast<Bits>(v) << 24) >> 24;
  const Ints high = reinterpret_cast<Ints>(reinterpret_cast<Bits>(v) << 8) >> 24;
  return (low & 0xFFFF) | reinterpret_cast<Ints>(reinterpret_cast<Bits>(high) << 16);
#endif
}
inline Ints odd_bytes(Ints v) {
  return even_bytes(reinterpret_cast<Ints>(reinterpret_cast<Bits>(v) >> 8));
}
// Activations that meet such weights: kLanes integers of at most 16 bits as words, the 4 of each
// group in the order 0 2 1 3.
inline void store_words(std::int16_t* p, Ints v) {
  constexpr int kOrder[] = {0, 2, 1, 3};
  for (int lane = 0; lane < kLanes; ++lane)
    p[lane] = static_cast<std::int16_t>(v[lane - lane % 4 + kOrder[lane % 4]]);
}
inline Ints add_pair_products(Ints sum, Ints a, Ints b) {
#if defined(__SSE2__)
  return sum + reinterpret_cast<Ints>(
                   _mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  const Ints a_low = reinterpret_cast<Ints>(reinterpret_cast<Bits>(a) << 16) >> 16;
  const Ints b_low = reinterpret_cast<Ints>(reinterpret_cast<Bits>(b) << 16) >> 16;
  return sum + a_low * b_low + (a >> 16) * (b >> 16);
#endif
}

}  // namespace
}  // namespace tandem::cpu
