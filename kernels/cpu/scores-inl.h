// Passes over one row of logits for Backend::select: maximum, where it is, sum of exponentials, k
// best. Include after one simd_*.h, math-inl.h and rows-inl.h.
#pragma once

namespace tandem::cpu {
namespace {

float max(const float* x, std::int64_t n) {
  const Floats lowest = broadcast(-__builtin_inff());
  Floats m0 = lowest, m1 = lowest;
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    m0 = max_of(load(x + i), m0);
    m1 = max_of(load(x + i + kLanes), m1);
  }
  float best = reduce_max(max_of(m0, m1));
  for (; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

inline Floats shifted(Floats x, const ScoreShift& shift) {
  return ((x - broadcast(shift.first)) - broadcast(shift.second)) - broadcast(shift.third);
}

float sum_exp(const float* x, std::int64_t n, const ScoreShift& shift) {
  // Four chains: independent work for the multipliers, and shorter sums round less.
  Floats s0 = broadcast(0.0F), s1 = s0, s2 = s0, s3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    s0 = s0 + exponential_of_score(shifted(load(x + i), shift));
    s1 = s1 + exponential_of_score(shifted(load(x + i + kLanes), shift));
    s2 = s2 + exponential_of_score(shifted(load(x + i + 2 * kLanes), shift));
    s3 = s3 + exponential_of_score(shifted(load(x + i + 3 * kLanes), shift));
  }
  for (; i + kLanes <= n; i += kLanes) s0 = s0 + exponential_of_score(shifted(load(x + i), shift));
  float total = reduce_add((s0 + s1) + (s2 + s3));
  if (i < n) {
    float last[kLanes];
    store(last, exponential_of_score(shifted(load_first(x + i, n - i), shift)));
    for (std::int64_t lane = 0; lane < n - i; ++lane) total += last[lane];
  }
  return total;
}

// Four vectors to a branch, on average over half of the row. top_k with a k of 1 has a branch for
// each vector, and a badly predicted one for each score that is the best so far.
std::int64_t find_score(const float* x, std::int64_t n, const ScoreShift& shift, float value) {
  const Floats wanted = broadcast(value);
  const auto below = [&](std::int64_t i) {
    return greater_lanes(wanted, shifted(load(x + i), shift));
  };
  constexpr unsigned kAll = (1U << kLanes) - 1U;
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    const unsigned all_below =
        below(i) & below(i + kLanes) & below(i + 2 * kLanes) & below(i + 3 * kLanes);
    if (all_below != kAll) break;
  }
  for (; i < n; i += kLanes) {
    const std::int64_t lanes = n - i < kLanes ? n - i : kLanes;
    const Floats scores = shifted(load_first(x + i, lanes), shift);
    const unsigned found = ~greater_lanes(wanted, scores) & ((1U << lanes) - 1U);
    if (found != 0) return i + __builtin_ctz(found);
  }
  return n;
}

// Inserts into `best`, which is sorted by descending score; an equal score stays behind.
inline void insert_ranked(RankedColumn* best, std::int64_t& count, std::int64_t k, float score,
                          std::int64_t column) {
  std::int64_t place = count < k ? count++ : k - 1;
  for (; place > 0 && best[place - 1].score < score; --place) best[place] = best[place - 1];
  best[place].score = score;
  best[place].column = static_cast<std::int32_t>(column);
}

// Columns come in ascending order and must beat the k-th best strictly, so ties keep the lower one.
std::int64_t top_k(const float* x, std::int64_t n, const ScoreShift& shift, std::int64_t k,
                   RankedColumn* best) {
  std::int64_t count = 0;
  float threshold = -__builtin_inff();
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t lanes = n - i < kLanes ? n - i : kLanes;
    const Floats scores = shifted(lanes == kLanes ? load(x + i) : load_first(x + i, lanes), shift);
    unsigned beating = greater_lanes(scores, broadcast(threshold)) & ((1U << lanes) - 1U);
    if (beating == 0) continue;
    float values[kLanes];
    store(values, scores);
    for (; beating != 0; beating &= beating - 1) {
      const int lane = __builtin_ctz(beating);
      if (!(values[lane] > threshold)) continue;
      insert_ranked(best, count, k, values[lane], i + lane);
      if (count == k) threshold = best[k - 1].score;
    }
  }
  return count;
}

}  // namespace
}  // namespace tandem::cpu
