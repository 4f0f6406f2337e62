// Vectors of 16 floats: AVX-512 F, BW, DQ, VL. See simd_portable.h for what each function promises.
#pragma once

#include <cstdint>

#include <immintrin.h>

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
inline void store(float* p, Floats v) {
  _mm512_storeu_ps(p, v);
}
inline Ints load_ints(const std::int32_t* p) {
  return _mm512_loadu_si512(p);
}
inline void store_ints(std::int32_t* p, Ints v) {
  _mm512_storeu_si512(p, v);
}

inline __mmask16 first_lanes(std::int64_t n) {
  return static_cast<__mmask16>((1U << static_cast<unsigned>(n)) - 1U);
}
inline Floats load_first(const float* p, std::int64_t n) {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
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
inline unsigned greater_lanes(Floats a, Floats b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

inline Ints round_to_int(Floats v) {
  return _mm512_cvtps_epi32(v);
}
inline Floats to_float(Ints v) {
  return _mm512_cvtepi32_ps(v);
}
inline Floats power_of_two(Ints n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}
inline float reduce_add(Floats v) {
  return _mm512_reduce_add_ps(v);
}
inline float reduce_max(Floats v) {
  return _mm512_reduce_max_ps(v);
}
inline void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}

inline Floats low_bfloat16(Ints v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
}
inline Floats high_bfloat16(Ints v) {
  return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(-0x10000)));
}

inline Ints even_bytes(Ints v) {
  return _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8);
}
inline Ints odd_bytes(Ints v) {
  return _mm512_srai_epi16(v, 8);
}
inline Ints add_pair_products(Ints sum, Ints a, Ints b) {
  return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}

}  // namespace
}  // namespace tandem::cpu
