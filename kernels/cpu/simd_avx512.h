// Vectors of 16 floats: AVX-512 F, BW, DQ, VL. See simd_portable.h for what each function promises.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "tensor/dtype.h"

namespace tandem::cpu {
namespace {

constexpr int kLanes = 16;
using Floats = __m512;
using Ints = __m512i;

inline Floats broadcast(float x) {
  return _mm512_set1_ps(x);
}
inline Ints broadcast_int(std::int32_t x) {
  return _mm512_set1_epi32(x);
}
inline Floats load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline Floats load(const Float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store(float* p, Floats v) {
  _mm512_storeu_ps(p, v);
}
inline void store(Float16* p, Floats v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline Ints load_ints(const std::int32_t* p) {
  return _mm512_loadu_si512(p);
}

inline __mmask16 first_lanes(std::int64_t n) {
  return static_cast<__mmask16>((1U << static_cast<unsigned>(n)) - 1U);
}
inline Floats load_first(const float* p, std::int64_t n) {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
inline Floats load_first(const Float16* p, std::int64_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
// g++ 12 otherwise loads a vector for each of up to 3 products that use it: one load a cycle is
// all that there is.
inline Floats in_register(Floats v) {
  asm("" : "+v"(v));
  return v;
}
inline Ints in_register(Ints v) {
  asm("" : "+v"(v));
  return v;
}
inline Floats first_or(Floats v, std::int64_t n, Floats others) {
  return _mm512_mask_blend_ps(first_lanes(n), others, v);
}
inline void store_first(Float16* p, Floats v, std::int64_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes(n), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline void store_first(float* p, Floats v, std::int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), v);
}

inline Floats fma(Floats a, Floats b, Floats c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Floats max_of(Floats a, Floats b) {
  return _mm512_max_ps(a, b);
}
inline Floats min_of(Floats a, Floats b) {
  return _mm512_min_ps(a, b);
}
inline Floats if_less(Floats a, Floats b, Floats yes, Floats no) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
inline Floats absolute(Floats v) {
  return _mm512_abs_ps(v);
}
inline Floats max_magnitude(Floats a, Floats b) {
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
inline unsigned greater_lanes(Floats a, Floats b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

inline Ints round_to_int(Floats v) {
  return _mm512_cvtps_epi32(v);
}
inline Floats to_float(Ints v) {
  return _mm512_cvtepi32_ps(v);
}
inline Floats nearest_integer(Floats v) {
  return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Floats times_power_of_two(Floats v, Floats n) {
  return _mm512_scalef_ps(v, n);
}
inline float reduce_add(Floats v) {
  return _mm512_reduce_add_ps(v);
}
inline float reduce_max(Floats v) {
  return _mm512_reduce_max_ps(v);
}
// The sums of 4 vectors in each quarter, halved twice: element q of quarter i is a part of v[i].
inline Floats reduce_quarters(Floats a, Floats b, Floats c, Floats d) {
  const Floats ab =
      _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
  const Floats cd =
      _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
  return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
}
inline Floats reduce_add_each(const Floats (&v)[kLanes]) {
  // The vectors of one call stand 4 lanes apart in the result.
  const Floats q0 = reduce_quarters(v[0], v[4], v[8], v[12]);
  const Floats q1 = reduce_quarters(v[1], v[5], v[9], v[13]);
  const Floats q2 = reduce_quarters(v[2], v[6], v[10], v[14]);
  const Floats q3 = reduce_quarters(v[3], v[7], v[11], v[15]);
  const Floats even = _mm512_add_ps(_mm512_unpacklo_ps(q0, q1), _mm512_unpackhi_ps(q0, q1));
  const Floats odd = _mm512_add_ps(_mm512_unpacklo_ps(q2, q3), _mm512_unpackhi_ps(q2, q3));
  return _mm512_add_ps(_mm512_shuffle_ps(even, odd, 0x44), _mm512_shuffle_ps(even, odd, 0xEE));
}
inline void transpose(Floats (&v)[kLanes]) {
  Floats t[kLanes];  // row c of each 4: columns c, c + 4, c + 8, c + 12 of 4 rows
  for (int i = 0; i < kLanes; i += 4) {
    const Floats low0 = _mm512_unpacklo_ps(v[i], v[i + 1]);
    const Floats high0 = _mm512_unpackhi_ps(v[i], v[i + 1]);
    const Floats low1 = _mm512_unpacklo_ps(v[i + 2], v[i + 3]);
    const Floats high1 = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);
    t[i] = _mm512_shuffle_ps(low0, low1, 0x44);
    t[i + 1] = _mm512_shuffle_ps(low0, low1, 0xEE);
    t[i + 2] = _mm512_shuffle_ps(high0, high1, 0x44);
    t[i + 3] = _mm512_shuffle_ps(high0, high1, 0xEE);
  }
  for (int c = 0; c < 4; ++c) {
    const Floats low0 = _mm512_shuffle_f32x4(t[c], t[c + 4], 0x44);
    const Floats high0 = _mm512_shuffle_f32x4(t[c], t[c + 4], 0xEE);
    const Floats low1 = _mm512_shuffle_f32x4(t[c + 8], t[c + 12], 0x44);
    const Floats high1 = _mm512_shuffle_f32x4(t[c + 8], t[c + 12], 0xEE);
    v[c] = _mm512_shuffle_f32x4(low0, low1, 0x88);
    v[c + 4] = _mm512_shuffle_f32x4(low0, low1, 0xDD);
    v[c + 8] = _mm512_shuffle_f32x4(high0, high1, 0x88);
    v[c + 12] = _mm512_shuffle_f32x4(high0, high1, 0xDD);
  }
}
inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
inline void prefetch_far(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

inline Floats low_bfloat16(Ints v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
}
inline Floats high_bfloat16(Ints v) {
  return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(-0x10000)));
}

// For product_int8_bytes-inl.h. The instructions themselves: g++ 12 loads weights and computes
// products ahead, for which a tile has no registers left, and keeps its sums on the stack.
inline Ints add_byte_products(Ints sum, const std::int32_t* weights, Ints magnitudes, Ints signs,
                              Ints ones) {
  Ints product;
  asm("vpxord %2, %3, %1\n\t"
      "vpmaddubsw %1, %4, %1\n\t"
      "vpmaddwd %5, %1, %1\n\t"
      "vpaddd %1, %0, %0"
      : "+v"(sum), "=&v"(product)
      : "m"(*reinterpret_cast<const __m512i_u*>(weights)), "v"(signs), "v"(magnitudes), "v"(ones));
  return sum;
}
inline void store_magnitudes_and_signs(std::int8_t* p, Ints v) {
  const __m128i magnitudes = _mm512_cvtepi32_epi8(_mm512_abs_epi32(v));
  const __m128i signs = _mm512_cvtepi32_epi8(_mm512_srai_epi32(v, 31));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_unpacklo_epi32(magnitudes, signs));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p) + 1, _mm_unpackhi_epi32(magnitudes, signs));
}
inline Ints add_negative(Ints sum, Ints v) {
  return _mm512_add_epi32(sum, _mm512_min_epi32(v, _mm512_setzero_si512()));
}
inline std::int32_t reduce_add(Ints v) {
  return _mm512_reduce_add_epi32(v);
}

}  // namespace
}  // namespace tandem::cpu
