// Attention of some queries in one head: scores, softmax, weighted sum of values. Include after one
// simd_*.h, math-inl.h and rows-inl.h.
//
// Two passes over a query's scores, which stay in L1: dot products and their maximum, then
// exponentials and their sum; the division by the sum comes last, on the head_dim results. Every
// number depends on one query and its keys alone, in the order of the keys: that several queries
// share a transposed copy of the keys, or a pass over the values, changes the cost and not a bit.
#pragma once

namespace tandem::cpu {
namespace {

// From so many queries on, transposing the keys costs less than adding up lanes for each query.
constexpr std::int64_t kTransposeFrom = 4;

template <class Stored>
inline std::int64_t slot_of(const AttendHead<Stored>& head, std::int64_t key) {
  return head.slots == nullptr ? key : head.slots[key];
}

template <class Stored>
inline const Stored* key_of(const AttendHead<Stored>& head, std::int64_t key) {
  return head.keys + slot_of(head, key) * head.key_stride;
}

template <class Stored>
inline const Stored* value_of(const AttendHead<Stored>& head, std::int64_t key) {
  return head.values + slot_of(head, key) * head.value_stride;
}

template <class Stored>
inline float distance_bias(const AttendHead<Stored>& head, std::int64_t key) {
  const std::int64_t distance = key - head.position;
  return head
      .bias[distance < -head.reach ? -head.reach : (distance > head.reach ? head.reach : distance)];
}

// From query i on, as one query, with row `scores_row` of the scratch for its scores.
template <class Stored>
inline AttendHead<Stored> single(const AttendHead<Stored>& head, std::int64_t i,
                                 std::int64_t scores_row) {
  AttendHead<Stored> one = head;
  one.query += i * head.query_stride;
  one.num_queries = 1;
  one.num_keys += i * head.more_keys;
  one.position += i;
  one.out += i * head.out_stride;
  one.scores += scores_row * head.scores_stride;
  if (head.weights != nullptr) one.weights += i;
  return one;
}

// --- scores --------------------------------------------------------------------------------------

// Lanes whose sum is query . key.
template <class Stored>
inline Floats key_product(const AttendHead<Stored>& head, std::int64_t key) {
  const Stored* k = key_of(head, key);
  const std::int64_t full = whole(head.head_dim), rest = head.head_dim - full;
  Floats sum = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) sum = fma(load(head.query + i), load(k + i), sum);
  if (rest > 0) sum = fma(load_first(head.query + full, rest), load_first(k + full, rest), sum);
  return sum;
}

// Dot products with the kLanes keys from `first` on; beyond the last key anything.
template <class Stored>
inline Floats dot_products(const AttendHead<Stored>& head, std::int64_t first) {
  const std::int64_t left = head.num_keys - first, count = left < kLanes ? left : kLanes;
  Floats products[kLanes];
  for (std::int64_t j = 0; j < count; ++j) products[j] = key_product(head, first + j);
  for (std::int64_t j = count; j < kLanes; ++j) products[j] = broadcast(0.0F);
  return reduce_add_each(products);
}

// The same from transposed keys: vector l holds what is lane l above, for all keys at once.
template <class Stored>
inline Floats dot_products_transposed(const AttendHead<Stored>& head, std::int64_t first) {
  const float* block = head.transposed + first * head.head_dim;
  Floats sums[kLanes];
  for (int l = 0; l < kLanes; ++l) sums[l] = broadcast(0.0F);
  for (std::int64_t d = 0; d < head.head_dim; d += kLanes)
    for (int l = 0; l < kLanes; ++l)
      sums[l] = fma(broadcast(head.query[d + l]), load(block + (d + l) * kLanes), sums[l]);
  return add_all(sums);
}

// Block by block of kLanes keys: for each column one vector with that column of the keys.
template <class Stored>
inline void transpose_keys(const AttendHead<Stored>& head, std::int64_t num_keys) {
  for (std::int64_t first = 0; first < num_keys; first += kLanes)
    for (std::int64_t d = 0; d < head.head_dim; d += kLanes) {
      Floats rows[kLanes];
      for (std::int64_t j = 0; j < kLanes; ++j)
        rows[j] = first + j < num_keys ? load(key_of(head, first + j) + d) : broadcast(0.0F);
      transpose(rows);
      float* columns = head.transposed + first * head.head_dim + d * kLanes;
      for (int l = 0; l < kLanes; ++l) store(columns + l * kLanes, rows[l]);
    }
}

// Makes scores of the products of `count` keys from `first` on, then -infinity up to a whole
// vector.
template <class Stored>
inline Floats finish_scores(const AttendHead<Stored>& head, std::int64_t first, std::int64_t count,
                            Floats products) {
  float* scores = head.scores + first;
  store(scores, products * broadcast(head.scale));
  if (head.bias != nullptr)
    for (std::int64_t j = 0; j < count; ++j) scores[j] += distance_bias(head, first + j);
  for (std::int64_t j = count; j < kLanes; ++j) scores[j] = -__builtin_inff();
  return load(scores);
}

// Scores of all keys. Returns their maximum.
template <class Stored>
inline float score_keys(const AttendHead<Stored>& head, bool transposed) {
  Floats maxima = broadcast(-__builtin_inff());
  for (std::int64_t first = 0; first < head.num_keys; first += kLanes) {
    const std::int64_t left = head.num_keys - first, count = left < kLanes ? left : kLanes;
    const Floats products =
        transposed ? dot_products_transposed(head, first) : dot_products(head, first);
    maxima = max_of(finish_scores(head, first, count, products), maxima);
  }
  return reduce_max(maxima);
}

// Softmax numerators in place, up to a whole vector; returns the sum of the first n.
inline float exponentiate(float* scores, std::int64_t n, float maximum) {
  const std::int64_t full = whole(n);
  const Floats maxima = broadcast(maximum);
  Floats sum = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) {
    const Floats e = exponential(load(scores + i) - maxima);
    store(scores + i, e);
    sum = sum + e;
  }
  float total = reduce_add(sum);
  if (full < n) store(scores + full, exponential(load(scores + full) - maxima));
  for (std::int64_t i = full; i < n; ++i) total += scores[i];
  return total;
}

// Leaves the numerators in the scores; returns 1 / their sum.
template <class Stored>
inline float soften(const AttendHead<Stored>& head, bool transposed) {
  const float maximum = score_keys(head, transposed);
  const float factor = 1.0F / exponentiate(head.scores, head.num_keys, maximum);
  if (head.weights != nullptr && *head.weights != nullptr)
    for (std::int64_t j = 0; j < head.num_keys; ++j) (*head.weights)[j] = head.scores[j] * factor;
  return factor;
}

// --- values --------------------------------------------------------------------------------------

// out[0 .. kVectors * kLanes) = factor * sum_j weights[j] values[slot(j)], from column `first` on,
// for kQueries queries from the first one of `head` on.
template <int kQueries, int kVectors, class Stored>
inline void weighted_sums(const AttendHead<Stored>& head, const float* factors,
                          std::int64_t first) {
  Floats sums[kQueries][kVectors];
  for (int q = 0; q < kQueries; ++q)
    for (int v = 0; v < kVectors; ++v) sums[q][v] = broadcast(0.0F);
  for (std::int64_t j = 0; j < head.num_keys; ++j) {
    const Stored* value = value_of(head, j) + first;
    Floats values[kVectors];
    for (int v = 0; v < kVectors; ++v) values[v] = load(value + v * kLanes);
    for (int q = 0; q < kQueries; ++q) {
      const Floats weight = broadcast(head.scores[q * head.scores_stride + j]);
      for (int v = 0; v < kVectors; ++v) sums[q][v] = fma(weight, values[v], sums[q][v]);
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    for (std::int64_t j = head.num_keys; j < head.num_keys + q * head.more_keys; ++j) {
      const Floats weight = broadcast(head.scores[q * head.scores_stride + j]);
      const Stored* value = value_of(head, j) + first;
      for (int v = 0; v < kVectors; ++v)
        sums[q][v] = fma(weight, load(value + v * kLanes), sums[q][v]);
    }
    for (int v = 0; v < kVectors; ++v)
      store(head.out + q * head.out_stride + first + v * kLanes,
            sums[q][v] * broadcast(factors[q]));
  }
}

// The last columns of one query, fewer than a vector.
template <class Stored>
inline void weighted_sum_tail(const AttendHead<Stored>& head, float factor, std::int64_t first) {
  const std::int64_t n = head.head_dim - first;
  Floats sum = broadcast(0.0F);
  for (std::int64_t j = 0; j < head.num_keys; ++j)
    sum = fma(broadcast(head.scores[j]), load_first(value_of(head, j) + first, n), sum);
  store_first(head.out + first, sum * broadcast(factor), n);
}

// All columns of whole vectors; returns where the rest begins.
template <int kQueries, class Stored>
inline std::int64_t weigh_values(const AttendHead<Stored>& head, const float* factors) {
  constexpr int kMost = kLanes == 16 || kQueries == 1 ? 4 : 2;  // of 32 or 16 registers
  std::int64_t first = 0;
  for (; first + kMost * kLanes <= head.head_dim; first += kMost * kLanes)
    weighted_sums<kQueries, kMost>(head, factors, first);
  for (; first + 2 * kLanes <= head.head_dim; first += 2 * kLanes)
    weighted_sums<kQueries, 2>(head, factors, first);
  for (; first + kLanes <= head.head_dim; first += kLanes)
    weighted_sums<kQueries, 1>(head, factors, first);
  return first;
}

// --- together ------------------------------------------------------------------------------------

// One query.
template <class Stored>
inline void attend_alone(const AttendHead<Stored>& head, bool transposed) {
  const float factor = soften(head, transposed);
  const std::int64_t first = weigh_values<1>(head, &factor);
  if (first < head.head_dim) weighted_sum_tail(head, factor, first);
}

// kAttendBlock queries from the first one on.
template <class Stored>
inline void attend_block(const AttendHead<Stored>& head, bool transposed) {
  float factors[kAttendBlock];
  for (std::int64_t q = 0; q < kAttendBlock; ++q)
    factors[q] = soften(single(head, q, q), transposed);
  const std::int64_t first = weigh_values<kAttendBlock>(head, factors);
  for (std::int64_t q = 0; first < head.head_dim && q < kAttendBlock; ++q)
    weighted_sum_tail(single(head, q, q), factors[q], first);
}

template <class Stored>
void attend(const AttendHead<Stored>& head) {
  const bool transposed = head.num_queries >= kTransposeFrom && head.head_dim % kLanes == 0;
  if (transposed) transpose_keys(head, head.num_keys + (head.num_queries - 1) * head.more_keys);
  std::int64_t i = 0;
  for (; i + kAttendBlock <= head.num_queries; i += kAttendBlock)
    attend_block(single(head, i, 0), transposed);
  for (; i < head.num_queries; ++i) attend_alone(single(head, i, 0), transposed);
}

}  // namespace
}  // namespace tandem::cpu
