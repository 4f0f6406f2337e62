// Ops on one row: norms, element-wise ops, the recurrent unit. Include after one simd_*.h and
// math-inl.h. Sums run over the lanes of ascending columns, whatever surrounds the row.
#pragma once

namespace tandem::cpu {
namespace {

inline std::int64_t whole(std::int64_t n) {
  return n / kLanes * kLanes;
}

// Every step of the formula is rounded by itself, as in the engines that trained the models: int8
// products amplify any other rounding (docs/numerics.md).
void layer_norm(const float* x, const float* gain, const float* bias, float epsilon, std::int64_t n,
                float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  const Floats zero = broadcast(0.0F);
  Floats sum = zero;
  for (std::int64_t i = 0; i < full; i += kLanes) sum = sum + load(x + i);
  if (rest > 0) sum = sum + load_first(x + full, rest);
  const float mean = reduce_add(sum) / static_cast<float>(n);
  const Floats means = broadcast(mean);
  Floats squares = zero;
  for (std::int64_t i = 0; i < full; i += kLanes) {
    const Floats d = load(x + i) - means;
    squares = fma(d, d, squares);
  }
  float variance = reduce_add(squares);
  for (std::int64_t i = full; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
  const Floats deviation = broadcast(__builtin_sqrtf(variance / static_cast<float>(n) + epsilon));
  for (std::int64_t i = 0; i < full; i += kLanes)
    store(out + i, load(gain + i) * ((load(x + i) - means) / deviation) +
                       (bias == nullptr ? zero : load(bias + i)));
  if (rest > 0)
    store_first(out + full,
                load_first(gain + full, rest) * ((load_first(x + full, rest) - means) / deviation) +
                    (bias == nullptr ? zero : load_first(bias + full, rest)),
                rest);
}

void rms_norm(const float* x, const float* gain, float epsilon, std::int64_t n, float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  Floats squares = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) squares = fma(load(x + i), load(x + i), squares);
  if (rest > 0) {
    const Floats last = load_first(x + full, rest);
    squares = fma(last, last, squares);
  }
  const float mean = reduce_add(squares) / static_cast<float>(n);
  const Floats factor = broadcast(1.0F / __builtin_sqrtf(mean + epsilon));
  for (std::int64_t i = 0; i < full; i += kLanes)
    store(out + i, load(x + i) * factor * load(gain + i));
  if (rest > 0)
    store_first(out + full, load_first(x + full, rest) * factor * load_first(gain + full, rest),
                rest);
}

void scale_add(const float* a, float scale, const float* b, std::int64_t n, float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  const Floats zero = broadcast(0.0F), scales = broadcast(scale);
  for (std::int64_t i = 0; i < full; i += kLanes)
    store(out + i,
          scales * (a == nullptr ? zero : load(a + i)) + (b == nullptr ? zero : load(b + i)));
  if (rest > 0)
    store_first(out + full,
                scales * (a == nullptr ? zero : load_first(a + full, rest)) +
                    (b == nullptr ? zero : load_first(b + full, rest)),
                rest);
}

void activate(const float* x, Activation activation, std::int64_t n, float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  for (std::int64_t i = 0; i < full; i += kLanes)
    store(out + i, activated(load(x + i), activation));
  if (rest > 0) store_first(out + full, activated(load_first(x + full, rest), activation), rest);
}

void add(const float* a, const float* b, std::int64_t n, float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  for (std::int64_t i = 0; i < full; i += kLanes) store(out + i, load(a + i) + load(b + i));
  if (rest > 0)
    store_first(out + full, load_first(a + full, rest) + load_first(b + full, rest), rest);
}

void multiply(const float* a, const float* b, std::int64_t n, float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  for (std::int64_t i = 0; i < full; i += kLanes) store(out + i, load(a + i) * load(b + i));
  if (rest > 0)
    store_first(out + full, load_first(a + full, rest) * load_first(b + full, rest), rest);
}

inline Floats next_state(Floats candidate, Floats forget, Floats previous) {
  const Floats f = sigmoid(forget);
  return f * previous + (broadcast(1.0F) - f) * candidate;
}

void ssru(const float* candidate, const float* forget, const float* previous, std::int64_t n,
          float* state, float* out) {
  const std::int64_t full = whole(n), rest = n - full;
  const Floats zero = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) {
    const Floats c = next_state(load(candidate + i), load(forget + i),
                                previous == nullptr ? zero : load(previous + i));
    store(state + i, c);
    store(out + i, max_of(zero, c));
  }
  if (rest > 0) {
    const Floats c = next_state(load_first(candidate + full, rest), load_first(forget + full, rest),
                                previous == nullptr ? zero : load_first(previous + full, rest));
    store_first(state + full, c, rest);
    store_first(out + full, max_of(zero, c), rest);
  }
}

}  // namespace
}  // namespace tandem::cpu
