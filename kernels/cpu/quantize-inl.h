// Activations to int8 steps: q = clamp(round_half_even(x * s), -127, 127). Include after one
// simd_*.h.
#pragma once

namespace tandem::cpu {
namespace {

// Below this maximum 127 / max would overflow; such a row counts as zeros.
constexpr float kSmallestMaximum = 1e-30F;

struct RowScale {
  float scale;  // s
  // What its sums are multiplied by: 1 / s, or 1 for a fixed s, which the product scales hold. NaN
  // if the row holds a NaN or an infinity, so that the product shows it.
  float factor;
};

inline RowScale row_scale(const float* x, std::int64_t n, float fixed) {
  Floats maxima = broadcast(0.0F);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) maxima = max_magnitude(maxima, absolute(load(x + i)));
  if (i < n) maxima = max_magnitude(maxima, absolute(load_first(x + i, n - i)));
  const float poison = reduce_add(maxima * broadcast(0.0F));  // NaN if any is not finite
  if (!(poison == 0.0F)) return {0.0F, poison};
  const float maximum = reduce_max(maxima);
  if (fixed != 0.0F) return {fixed, 1.0F};
  if (maximum < kSmallestMaximum) return {0.0F, 1.0F};
  const float scale = 127.0F / maximum;
  return {scale, 1.0F / scale};
}

// The steps of inputs [i, i + kLanes); zeros from n on.
inline Ints quantized(const float* x, std::int64_t n, std::int64_t i, float scale) {
  if (i >= n) return broadcast_int(0);
  const Floats v = n - i >= kLanes ? load(x + i) : load_first(x + i, n - i);
  const Floats limit = broadcast(127.0F);
  return round_to_int(min_of(limit, max_of(broadcast(-127.0F), v * broadcast(scale))));
}

}  // namespace
}  // namespace tandem::cpu
