// Attention of one query in one head: scores, softmax, weighted sum of values. Include after one
// simd_*.h, math-inl.h and rows-inl.h.
//
// Two passes over the scores, which stay in L1: dot products and their maximum, then exponentials
// and their sum; the division by the sum comes last, on the head_dim results. Every number depends
// on this query and its keys alone, in the order of the keys.
#pragma once

namespace tandem::cpu {
namespace {

inline std::int64_t slot_of(const AttendHead& head, std::int64_t key) {
  return head.slots == nullptr ? key : head.slots[key];
}

inline float distance_bias(const AttendHead& head, std::int64_t key) {
  if (head.bias == nullptr) return 0.0F;
  const std::int64_t distance = key - head.position;
  return head
      .bias[distance < -head.reach ? -head.reach : (distance > head.reach ? head.reach : distance)];
}

inline float dot(const float* a, const float* b, std::int64_t n) {
  const std::int64_t full = whole(n), rest = n - full;
  Floats sum = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) sum = fma(load(a + i), load(b + i), sum);
  if (rest > 0) sum = fma(load_first(a + full, rest), load_first(b + full, rest), sum);
  return reduce_add(sum);
}

// Softmax numerators of `n` scores in place; returns their sum.
inline float exponentiate(float* scores, std::int64_t n, float maximum) {
  const std::int64_t full = whole(n), rest = n - full;
  const Floats maxima = broadcast(maximum);
  Floats sum = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) {
    const Floats e = exponential(load(scores + i) - maxima);
    store(scores + i, e);
    sum = sum + e;
  }
  float total = reduce_add(sum);
  if (rest > 0) {
    store_first(scores + full, exponential(load_first(scores + full, rest) - maxima), rest);
    for (std::int64_t i = full; i < n; ++i) total += scores[i];
  }
  return total;
}

// out[0 .. kVectors * kLanes) = factor * sum_j weights[j] values[slot(j)], from column `first` on.
template <int kVectors>
inline void weighted_sum(const AttendHead& head, std::int64_t first, float factor) {
  Floats sums[kVectors];
  for (int v = 0; v < kVectors; ++v) sums[v] = broadcast(0.0F);
  for (std::int64_t j = 0; j < head.num_keys; ++j) {
    const Floats weight = broadcast(head.scores[j]);
    const float* value = head.values + slot_of(head, j) * head.value_stride + first;
    for (int v = 0; v < kVectors; ++v) sums[v] = fma(weight, load(value + v * kLanes), sums[v]);
  }
  for (int v = 0; v < kVectors; ++v)
    store(head.out + first + v * kLanes, sums[v] * broadcast(factor));
}

inline void weighted_sum_tail(const AttendHead& head, std::int64_t first, float factor) {
  const std::int64_t n = head.head_dim - first;
  Floats sum = broadcast(0.0F);
  for (std::int64_t j = 0; j < head.num_keys; ++j)
    sum = fma(broadcast(head.scores[j]),
              load_first(head.values + slot_of(head, j) * head.value_stride + first, n), sum);
  store_first(head.out + first, sum * broadcast(factor), n);
}

void attend(const AttendHead& head) {
  float maximum = -__builtin_inff();
  for (std::int64_t j = 0; j < head.num_keys; ++j) {
    const float score =
        dot(head.query, head.keys + slot_of(head, j) * head.key_stride, head.head_dim) *
            head.scale +
        distance_bias(head, j);
    head.scores[j] = score;
    maximum = score > maximum ? score : maximum;
  }
  const float factor = 1.0F / exponentiate(head.scores, head.num_keys, maximum);
  if (head.weights != nullptr)
    for (std::int64_t j = 0; j < head.num_keys; ++j) head.weights[j] = head.scores[j] * factor;
  std::int64_t first = 0;
  for (; first + 4 * kLanes <= head.head_dim; first += 4 * kLanes)
    weighted_sum<4>(head, first, factor);
  for (; first + kLanes <= head.head_dim; first += kLanes) weighted_sum<1>(head, first, factor);
  if (first < head.head_dim) weighted_sum_tail(head, first, factor);
}

}  // namespace
}  // namespace tandem::cpu
