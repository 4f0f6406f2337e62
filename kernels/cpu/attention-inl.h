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

// Transposing the keys takes as long as adding up lanes for one query does for each so many
// columns.
constexpr std::int64_t kColumnsOfAQuery = 16;

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
inline float distance_bias(const AttendHead<Stored>& head, std::int64_t key,
                           std::int64_t position) {
  const std::int64_t distance = key - position;
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
inline Floats key_product(const AttendHead<Stored>& head, const float* query, std::int64_t key) {
  const Stored* k = key_of(head, key);
  const std::int64_t full = whole(head.head_dim), rest = head.head_dim - full;
  Floats sum = broadcast(0.0F);
  for (std::int64_t i = 0; i < full; i += kLanes) sum = fma(load(query + i), load(k + i), sum);
  if (rest > 0) sum = fma(load_first(query + full, rest), load_first(k + full, rest), sum);
  return sum;
}

// Dot products with `count` keys from `first` on, at most kLanes; beyond them anything.
template <class Stored>
inline Floats dot_products(const AttendHead<Stored>& head, const float* query, std::int64_t first,
                           std::int64_t count) {
  Floats products[kLanes];
  for (std::int64_t j = 0; j < count; ++j) products[j] = key_product(head, query, first + j);
  for (std::int64_t j = count; j < kLanes; ++j) products[j] = broadcast(0.0F);
  return reduce_add_each(products);
}

// The same for kQueries queries from transposed keys, a vector of `columns` for each column of the
// keys: lane l above, for all keys at once, is the sum over columns l, l + kLanes, ... Lanes l and
// l + kSpan of the rest are added first, as in reduce_add_each: depth first, so that few sums are
// alive at a time. kChunks is head_dim / kLanes, or 0 where it is only known at run time.
template <int kQueries, int kChunks, int kSpan>
struct TransposedProducts {
  static void add(const float* query, std::int64_t query_stride, const float* columns, int lane,
                  std::int64_t chunks, Floats (&sums)[kQueries]) {
    if constexpr (kSpan == kLanes) {
      for (int q = 0; q < kQueries; ++q) sums[q] = broadcast(0.0F);
      for (std::int64_t c = 0; c < (kChunks > 0 ? kChunks : chunks); ++c) {
        const std::int64_t column = c * kLanes + lane;
        const Floats keys = in_register(load(columns + column * kLanes));
        for (int q = 0; q < kQueries; ++q)
          sums[q] = fma(broadcast(query[q * query_stride + column]), keys, sums[q]);
      }
    } else {
      using Half = TransposedProducts<kQueries, kChunks, 2 * kSpan>;
      Floats others[kQueries];
      Half::add(query, query_stride, columns, lane, chunks, sums);
      Half::add(query, query_stride, columns, lane + kSpan, chunks, others);
      for (int q = 0; q < kQueries; ++q) sums[q] = sums[q] + others[q];
    }
  }
};

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

// Not inlined: it is rarely needed, and there would be many copies.
template <class Stored>
__attribute__((noinline)) void add_biases(const AttendHead<Stored>& head, std::int64_t q,
                                          std::int64_t first, std::int64_t count, float* scores) {
  for (std::int64_t j = 0; j < count; ++j)
    scores[j] += distance_bias(head, first + j, head.position + q);
}

// Makes scores of the products of query q and `count` keys from `first` on, then -infinity up to a
// whole vector: in registers, since a load of what was just stored in parts waits for all of them.
template <class Stored>
inline Floats finish_scores(const AttendHead<Stored>& head, std::int64_t q, std::int64_t first,
                            std::int64_t count, Floats products) {
  float* place = head.scores + q * head.scores_stride + first;
  Floats scores = products * broadcast(head.scale);
  if (head.bias != nullptr) {
    store(place, scores);
    add_biases(head, q, first, count, place);
    scores = load(place);
  }
  scores = first_or(scores, count, broadcast(-__builtin_inff()));
  store(place, scores);
  return scores;
}

// How many of the kLanes keys from `first` on query q sees.
template <class Stored>
inline std::int64_t keys_seen(const AttendHead<Stored>& head, std::int64_t q, std::int64_t first) {
  const std::int64_t left = head.num_keys + q * head.more_keys - first;
  return left < 0 ? 0 : left < kLanes ? left : kLanes;
}

// Scores of all keys for query q. Returns their maximum, spread over the lanes.
template <class Stored>
inline Floats score_keys(const AttendHead<Stored>& head, std::int64_t q) {
  const float* query = head.query + q * head.query_stride;
  Floats maxima = broadcast(-__builtin_inff());
  for (std::int64_t first = 0; first < head.num_keys + q * head.more_keys; first += kLanes) {
    const std::int64_t count = keys_seen(head, q, first);
    const Floats products = dot_products(head, query, first, count);
    maxima = max_of(finish_scores(head, q, first, count, products), maxima);
  }
  return maxima;
}

// The same for kQueries queries from transposed keys, from query q on.
template <int kQueries, int kChunks, class Stored>
inline void score_transposed(const AttendHead<Stored>& head, std::int64_t q, Floats* maxima) {
  const float* query = head.query + q * head.query_stride;
  for (int i = 0; i < kQueries; ++i) maxima[i] = broadcast(-__builtin_inff());
  const std::int64_t all = head.num_keys + (q + kQueries - 1) * head.more_keys;
  for (std::int64_t first = 0; first < all; first += kLanes) {
    Floats products[kQueries];
    TransposedProducts<kQueries, kChunks, 1>::add(query, head.query_stride,
                                                  head.transposed + first * head.head_dim, 0,
                                                  head.head_dim / kLanes, products);
    for (int i = 0; i < kQueries; ++i) {
      const std::int64_t count = keys_seen(head, q + i, first);
      maxima[i] = max_of(finish_scores(head, q + i, first, count, products[i]), maxima[i]);
    }
  }
}

template <int kQueries, class Stored>
inline void score_transposed(const AttendHead<Stored>& head, std::int64_t q, Floats* maxima) {
  switch (head.head_dim / kLanes) {
    case 2:
      return score_transposed<kQueries, 2>(head, q, maxima);
    case 4:
      return score_transposed<kQueries, 4>(head, q, maxima);
    case 8:
      return score_transposed<kQueries, 8>(head, q, maxima);
    default:
      return score_transposed<kQueries, 0>(head, q, maxima);
  }
}

// Two queries at a time share the loads of the keys; more would need too many registers.
template <int kQueries, bool kTransposed, class Stored>
inline void score_queries(const AttendHead<Stored>& head, Floats* maxima) {
  if constexpr (!kTransposed) {
    for (int q = 0; q < kQueries; ++q) maxima[q] = score_keys(head, q);
  } else {
    for (int q = 0; q + 2 <= kQueries; q += 2) score_transposed<2>(head, q, maxima + q);
    if constexpr (kQueries % 2 == 1) score_transposed<1>(head, kQueries - 1, maxima + kQueries - 1);
  }
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

// Leaves in the scores of kQueries queries their softmax numerators; factors: 1 / their sums. Step
// by step for all of them: one query's maximum, exponentials and sum are a long chain, in which the
// processor would wait.
template <int kQueries, bool kTransposed, class Stored>
inline void soften(const AttendHead<Stored>& head, float* factors) {
  Floats lanes[kQueries];
  score_queries<kQueries, kTransposed>(head, lanes);
  float maxima[kQueries];
  for (int q = 0; q < kQueries; ++q) maxima[q] = reduce_max(lanes[q]);
  for (int q = 0; q < kQueries; ++q)
    factors[q] = 1.0F / exponentiate(head.scores + q * head.scores_stride,
                                     head.num_keys + q * head.more_keys, maxima[q]);
  if (head.weights == nullptr) return;
  for (int q = 0; q < kQueries; ++q) {
    float* weights = head.weights[q];
    const std::int64_t keys = head.num_keys + q * head.more_keys;
    for (std::int64_t j = 0; weights != nullptr && j < keys; ++j)
      weights[j] = head.scores[q * head.scores_stride + j] * factors[q];
  }
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

// kQueries queries from the first one on.
template <int kQueries, bool kTransposed, class Stored>
inline void attend_block(const AttendHead<Stored>& head) {
  float factors[kQueries];
  soften<kQueries, kTransposed>(head, factors);
  const std::int64_t first = weigh_values<kQueries>(head, factors);
  for (int q = 0; first < head.head_dim && q < kQueries; ++q)
    weighted_sum_tail(single(head, q, q), factors[q], first);
}

template <bool kTransposed, class Stored>
inline void attend_queries(const AttendHead<Stored>& head) {
  std::int64_t i = 0;
  for (; i + kAttendBlock <= head.num_queries; i += kAttendBlock)
    attend_block<kAttendBlock, kTransposed>(single(head, i, 0));
  switch (const AttendHead<Stored> rest = single(head, i, 0); head.num_queries - i) {
    case 5:
      return attend_block<5, kTransposed>(rest);
    case 4:
      return attend_block<4, kTransposed>(rest);
    case 3:
      return attend_block<3, kTransposed>(rest);
    case 2:
      return attend_block<2, kTransposed>(rest);
    case 1:
      return attend_block<1, kTransposed>(rest);
    default:
      return;
  }
}

template <class Stored>
void attend(const AttendHead<Stored>& head) {
  const bool pays = head.num_queries > 1 && head.num_queries * kColumnsOfAQuery >= head.head_dim;
  if (!pays || head.head_dim % kLanes != 0) return attend_queries<false>(head);
  transpose_keys(head, head.num_keys + (head.num_queries - 1) * head.more_keys);
  attend_queries<true>(head);
}

}  // namespace
}  // namespace tandem::cpu
