// Vectors of 8 floats: AVX2, FMA and F16C. See simd_portable.h for what each function promises.
#pragma once

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

#include "tensor/dtype.h"

namespace tandem::cpu {
namespace {

constexpr int kLanes = 8;
using Floats = __m256;
using Ints = __m256i;

inline Floats broadcast(float x) {
  return _mm256_set1_ps(x);
}
inline Ints broadcast_int(std::int32_t x) {
  return _mm256_set1_epi32(x);
}
inline Floats load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline Floats load(const Float16* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline void store(float* p, Floats v) {
  _mm256_storeu_ps(p, v);
}
inline void store(Float16* p, Floats v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline Ints load_ints(const std::int32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

inline Ints first_lanes(std::int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Floats load_first(const float* p, std::int64_t n) {
  return _mm256_maskload_ps(p, first_lanes(n));
}
inline Floats load_first(const Float16* p, std::int64_t n) {
  Float16 some[kLanes] = {};
  __builtin_memcpy(some, p, static_cast<std::size_t>(n) * sizeof(Float16));
  return load(some);
}
inline Floats in_register(Floats v) {
  asm("" : "+x"(v));
  return v;
}
inline Floats first_or(Floats v, std::int64_t n, Floats others) {
  return _mm256_blendv_ps(others, v, _mm256_castsi256_ps(first_lanes(n)));
}
inline void store_first(Float16* p, Floats v, std::int64_t n) {
  Float16 all[kLanes];
  store(all, v);
  __builtin_memcpy(p, all, static_cast<std::size_t>(n) * sizeof(Float16));
}
inline void store_first(float* p, Floats v, std::int64_t n) {
  _mm256_maskstore_ps(p, first_lanes(n), v);
}

inline Floats fma(Floats a, Floats b, Floats c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Floats max_of(Floats a, Floats b) {
  return _mm256_max_ps(a, b);
}
inline Floats min_of(Floats a, Floats b) {
  return _mm256_min_ps(a, b);
}
inline Floats if_less(Floats a, Floats b, Floats yes, Floats no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
inline Floats absolute(Floats v) {
  return _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF)));
}
inline Floats max_magnitude(Floats a, Floats b) {
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
inline unsigned greater_lanes(Floats a, Floats b) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)));
}

inline Ints round_to_int(Floats v) {
  return _mm256_cvtps_epi32(v);
}
inline Floats to_float(Ints v) {
  return _mm256_cvtepi32_ps(v);
}
inline Floats nearest_integer(Floats v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Floats times_power_of_two(Floats v, Floats n) {
  const Ints exponent =
      _mm256_slli_epi32(_mm256_add_epi32(round_to_int(n), _mm256_set1_epi32(127)), 23);
  return v * _mm256_castsi256_ps(exponent);
}
inline float reduce_add(Floats v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float reduce_max(Floats v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
// v[i] and v[i + 4] in the halves, each halved once.
inline Floats reduce_halves(Floats a, Floats b) {
  return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
inline Floats reduce_add_each(const Floats (&v)[kLanes]) {
  const Floats h0 = reduce_halves(v[0], v[4]), h1 = reduce_halves(v[1], v[5]);
  const Floats h2 = reduce_halves(v[2], v[6]), h3 = reduce_halves(v[3], v[7]);
  const Floats low =
      _mm256_add_ps(_mm256_shuffle_ps(h0, h1, 0x44), _mm256_shuffle_ps(h0, h1, 0xEE));
  const Floats high =
      _mm256_add_ps(_mm256_shuffle_ps(h2, h3, 0x44), _mm256_shuffle_ps(h2, h3, 0xEE));
  return _mm256_add_ps(_mm256_shuffle_ps(low, high, 0x88), _mm256_shuffle_ps(low, high, 0xDD));
}
inline void transpose(Floats (&v)[kLanes]) {
  Floats t[kLanes];  // row c of each half: columns c and c + 4 of 4 rows
  for (int i = 0; i < kLanes; i += 4) {
    const Floats low0 = _mm256_unpacklo_ps(v[i], v[i + 1]);
    const Floats high0 = _mm256_unpackhi_ps(v[i], v[i + 1]);
    const Floats low1 = _mm256_unpacklo_ps(v[i + 2], v[i + 3]);
    const Floats high1 = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
    t[i] = _mm256_shuffle_ps(low0, low1, 0x44);
    t[i + 1] = _mm256_shuffle_ps(low0, low1, 0xEE);
    t[i + 2] = _mm256_shuffle_ps(high0, high1, 0x44);
    t[i + 3] = _mm256_shuffle_ps(high0, high1, 0xEE);
  }
  for (int c = 0; c < 4; ++c) {
    v[c] = _mm256_permute2f128_ps(t[c], t[c + 4], 0x20);
    v[c + 4] = _mm256_permute2f128_ps(t[c], t[c + 4], 0x31);
  }
}
inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
inline void prefetch_far(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

inline Floats low_bfloat16(Ints v) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16));
}
inline Floats high_bfloat16(Ints v) {
  return _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32(-0x10000)));
}

// For product_int8_bytes-inl.h. The instructions themselves: g++ 12 loads weights and computes
// products ahead, for which a tile has no registers left, and keeps its sums on the stack.
inline Ints add_byte_products(Ints sum, const std::int32_t* weights, Ints magnitudes, Ints signs,
                              Ints ones) {
  Ints product;
  asm("vpxor %2, %3, %1\n\t"
      "vpmaddubsw %1, %4, %1\n\t"
      "vpmaddwd %5, %1, %1\n\t"
      "vpaddd %1, %0, %0"
      : "+x"(sum), "=&x"(product)
      : "m"(*reinterpret_cast<const __m256i_u*>(weights)), "x"(signs), "x"(magnitudes), "x"(ones));
  return sum;
}
inline void store_magnitudes_and_signs(std::int8_t* p, Ints v) {
  const __m256i words = _mm256_packs_epi32(_mm256_abs_epi32(v), _mm256_srai_epi32(v, 31));
  const __m256i bytes = _mm256_packs_epi16(words, words);  // each half twice
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(p),
      _mm_unpacklo_epi64(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
}
inline Ints add_negative(Ints sum, Ints v) {
  return _mm256_add_epi32(sum, _mm256_min_epi32(v, _mm256_setzero_si256()));
}
inline std::int32_t reduce_add(Ints v) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

}  // namespace
}  // namespace tandem::cpu
