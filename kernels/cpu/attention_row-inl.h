// Attention of one query in several heads: a row of the decoder. Include after attention-inl.h,
// whose numbers these are, bit for bit: only what is computed next to what differs.
//
// The keys of a row lie anywhere in the cache, and by the time they are read again they have left
// the processor's near caches. Head by head, every visit to a key would be a short piece of a far
// line range, and all these pieces would compete for the same few sets of L1, since positions lie a
// power of two apart. So some heads are taken together: each key is read once from front to back
// for all of them. Meanwhile the next row's keys and values are fetched into L2, where a row fits
// many times.
#pragma once

namespace tandem::cpu {
namespace {

// How many keys ahead a row's own keys are fetched into L1.
constexpr std::int64_t kKeysAhead = 4;

// Heads that are taken together, where registers hold their queries or their sums.
constexpr int heads_together(int vectors) {
  constexpr int kRegisters = kLanes == 16 ? 16 : 8;
  return vectors >= kRegisters ? 1 : kRegisters / vectors;
}

template <class Stored>
inline void prefetch_elements(const Stored* p, std::int64_t n) {
  constexpr std::int64_t kLine = 64 / sizeof(Stored);
  for (std::int64_t i = 0; i < n; i += kLine) prefetch(p + i);
}

// The next row's keys and values, in pieces of some heads and in the order of their addresses: only
// so does the processor see a stream, which it fetches at the full rate of memory.
template <class Stored>
struct NextPieces {
  NextKeys<Stored> from;
  std::int64_t key_stride;
  std::int64_t value_stride;
  std::int64_t width;  // elements of a piece
  std::int64_t each;   // pieces of a key, and of a value
  std::int64_t key;    // of the piece that comes next
  std::int64_t piece;  // of that key; from `each` on, of its value
};

template <class Stored>
inline void fetch_piece(NextPieces<Stored>& next) {
  if (next.key >= next.from.num_keys) return;
  constexpr std::int64_t kLine = 64 / sizeof(Stored);
  const std::int64_t slot = next.from.slots == nullptr ? next.key : next.from.slots[next.key];
  const Stored* p =
      next.piece < next.each
          ? next.from.keys + slot * next.key_stride + next.piece * next.width
          : next.from.values + slot * next.value_stride + (next.piece - next.each) * next.width;
  for (std::int64_t i = 0; i < next.width; i += kLine) prefetch_far(p + i);
  if (++next.piece < 2 * next.each) return;
  next.piece = 0;
  ++next.key;
}

template <class Stored>
inline AttendHead<Stored> head_of(const AttendRow<Stored>& row, std::int64_t h) {
  AttendHead<Stored> head = row.first;
  const std::int64_t column = h * head.head_dim;
  head.query += column;
  head.keys += column;
  head.values += column;
  head.out += column;
  head.scores += h * head.scores_stride;
  if (head.bias != nullptr) head.bias += h * row.bias_stride;
  return head;
}

// score_keys for kHeads heads from `heads` on, of kVectors vectors each.
template <int kHeads, int kVectors, class Stored>
inline void score_keys_together(const AttendHead<Stored>* heads, NextPieces<Stored>& next_row,
                                float* maxima) {
  const AttendHead<Stored>& first = heads[0];
  constexpr std::int64_t kWidth = std::int64_t{kHeads} * kVectors * kLanes;
  Floats query[kHeads * kVectors];
  for (int i = 0; i < kHeads * kVectors; ++i) query[i] = load(first.query + i * kLanes);
  Floats best[kHeads];
  for (int h = 0; h < kHeads; ++h) best[h] = broadcast(-__builtin_inff());
  for (std::int64_t begin = 0; begin < first.num_keys; begin += kLanes) {
    const std::int64_t left = first.num_keys - begin, count = left < kLanes ? left : kLanes;
    alignas(64) float products[kHeads][kLanes][kLanes];
    for (std::int64_t j = 0; j < count; ++j) {
      const std::int64_t key = begin + j;
      const Stored* k = key_of(first, key);
      if (key + kKeysAhead < first.num_keys) {
        const Stored* next = key_of(first, key + kKeysAhead);
        prefetch_elements(next, kWidth);
      }
      fetch_piece(next_row);
      for (int h = 0; h < kHeads; ++h) {
        Floats sum = broadcast(0.0F);
        for (int v = 0; v < kVectors; ++v, k += kLanes)
          sum = fma(query[h * kVectors + v], load(k), sum);
        store(products[h][j], sum);
      }
    }
    for (int h = 0; h < kHeads; ++h) {
      Floats lanes[kLanes];
      for (std::int64_t j = 0; j < kLanes; ++j)
        lanes[j] = j < count ? load(products[h][j]) : broadcast(0.0F);
      best[h] = max_of(finish_scores(heads[h], 0, begin, count, reduce_add_each(lanes)), best[h]);
    }
  }
  for (int h = 0; h < kHeads; ++h) maxima[h] = reduce_max(best[h]);
}

// weighted_sums for all columns of kHeads heads.
template <int kHeads, int kVectors, class Stored>
inline void weigh_values_together(const AttendHead<Stored>* heads, NextPieces<Stored>& next_row,
                                  const float* factors) {
  const AttendHead<Stored>& first = heads[0];
  constexpr std::int64_t kWidth = std::int64_t{kHeads} * kVectors * kLanes;
  Floats sums[kHeads][kVectors];
  for (int h = 0; h < kHeads; ++h)
    for (int v = 0; v < kVectors; ++v) sums[h][v] = broadcast(0.0F);
  for (std::int64_t j = 0; j < first.num_keys; ++j) {
    const Stored* value = value_of(first, j);
    if (j + kKeysAhead < first.num_keys) {
      const Stored* next = value_of(first, j + kKeysAhead);
      prefetch_elements(next, kWidth);
    }
    fetch_piece(next_row);
    for (int h = 0; h < kHeads; ++h) {
      const Floats weight = broadcast(heads[h].scores[j]);
      for (int v = 0; v < kVectors; ++v, value += kLanes)
        sums[h][v] = fma(weight, load(value), sums[h][v]);
    }
  }
  for (int h = 0; h < kHeads; ++h)
    for (int v = 0; v < kVectors; ++v)
      store(heads[h].out + v * kLanes, sums[h][v] * broadcast(factors[h]));
}

template <int kVectors, class Stored>
inline void attend_heads(const AttendRow<Stored>& row) {
  constexpr int kHeads = heads_together(kVectors);
  NextPieces<Stored> next = {.from = row.next,
                             .key_stride = row.first.key_stride,
                             .value_stride = row.first.value_stride,
                             .width = kHeads * row.first.head_dim,
                             .each = row.num_heads / kHeads,
                             .key = 0,
                             .piece = 0};
  std::int64_t h = 0;
  for (; h + kHeads <= row.num_heads; h += kHeads) {
    AttendHead<Stored> heads[kHeads];
    float factors[kHeads];
    for (int i = 0; i < kHeads; ++i) heads[i] = head_of(row, h + i);
    score_keys_together<kHeads, kVectors>(heads, next, factors);
    for (int i = 0; i < kHeads; ++i)
      factors[i] = 1.0F / exponentiate(heads[i].scores, heads[i].num_keys, factors[i]);
    weigh_values_together<kHeads, kVectors>(heads, next, factors);
  }
  for (; h < row.num_heads; ++h) attend_block<1, false>(head_of(row, h));
}

template <class Stored>
void attend_row(const AttendRow<Stored>& row) {
  switch (row.first.head_dim) {
    case 2 * kLanes:
      return attend_heads<2>(row);
    case 4 * kLanes:
      return attend_heads<4>(row);
    case 8 * kLanes:
      return attend_heads<8>(row);
    default:
      for (std::int64_t h = 0; h < row.num_heads; ++h) attend_block<1, false>(head_of(row, h));
  }
}

}  // namespace
}  // namespace tandem::cpu
