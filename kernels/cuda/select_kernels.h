// The five steps of base/candidate.h for a batch of queries: each kernel takes all queries, and
// what it does for one depends on that one alone.
//
//   SelectStatsKernel   maximum and log of the sum of exponentials of a row; NaN and infinity
//   SelectScoreKernel   steps 1 and 2, and the last edit of kind force, into a row of scores
//   SelectEditKernel    step 3: the edits behind it
//   RenormalizeKernel   step 4
//   TopSliceKernel      step 5, first level: the k best of each slice of 2048 columns
//   TopMergeKernel      step 5, second level: the k best of those lists; ties to the lower column
//
// Columns ascend with token ids, so the lower column is the lower token.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/block.h"
#include "kernels/cuda/row_kernels.h"

namespace tandem::cuda {

constexpr int kMaxTopK = 64;  // more candidates are ranked on the host
constexpr int kSliceColumns = 2048;
constexpr int kMaxSlices = 256;  // rows with more columns are ranked on the host
static_assert(std::int64_t{kSliceColumns} * kMaxSlices >= Backend::kMostBestColumns);

// The edits of one column, in order, in the list of all.
struct EditRun {
  std::int32_t column = 0, first = 0, count = 0;
};

constexpr std::int32_t kNoForce = -2;

// One query on the device.
struct SelectTask {
  const float* logits = nullptr;
  float* scores = nullptr;                      // as many as there are columns
  const std::int32_t* ids = nullptr;            // token of each column; null: column c is token c
  const std::int32_t* allowed = nullptr;        // sorted tokens, or null
  const std::uint64_t* allowed_bits = nullptr;  // or null
  const EditRun* edit_runs = nullptr;
  std::int32_t columns = 0;
  std::int32_t num_allowed = 0, num_words = 0, num_edit_runs = 0;
  std::int32_t forced_column = kNoForce;  // -1: of a token without a column; nothing is left
  std::int32_t top_k = 0;  // 0: not ranked on the device
  ScoreSpace space = ScoreSpace::log_probs;
  bool any_allowed = true;
  bool renormalize = false;

  TANDEM_HOST_DEVICE std::int32_t token(std::int64_t column) const {
    return ids == nullptr ? static_cast<std::int32_t>(column) : ids[column];
  }

  TANDEM_HOST_DEVICE bool allows(std::int32_t wanted) const {
    if (any_allowed) return true;
    if (allowed_bits != nullptr)
      return wanted / 64 < num_words && ((allowed_bits[wanted / 64] >> (wanted % 64)) & 1U) != 0;
    std::int32_t begin = 0, end = num_allowed;
    while (begin < end) {
      const std::int32_t middle = begin + (end - begin) / 2;
      if (allowed[middle] < wanted)
        begin = middle + 1;
      else
        end = middle;
    }
    return begin < num_allowed && allowed[begin] == wanted;
  }
};

struct SelectStats {
  float maximum = 0, log_sum = 0;
  SelectStatus status = SelectStatus::ok;
  bool empty = false;  // every logit is -inf
};

struct SumsShared {
  float scratch[256];
};

// max(x) and sum(exp(x - max)) over a row. A NaN counts as infinity. The sum is 0 where the maximum
// is infinite.
struct RowSums {
  float maximum, sum;
};

template <class Block>
TANDEM_HOST_DEVICE RowSums row_sums(Block& block, SumsShared& shared, const float* row,
                                    std::int32_t columns) {
  typename Block::template Own<float> own;
  block.each([&](int thread) {
    float most = -HUGE_VALF;
    for (std::int32_t c = thread; c < columns; c += 256)
      most = row[c] <= most ? most : row[c] > most ? row[c] : HUGE_VALF;
    own[thread] = most;
  });
  const float maximum = reduce(block, shared.scratch, own, Maximum());
  if (!(fabsf(maximum) < HUGE_VALF)) return {maximum, 0.0F};
  block.each([&](int thread) {
    float sum = 0.0F;
    for (std::int32_t c = thread; c < columns; c += 256) sum = sum + expf(row[c] - maximum);
    own[thread] = sum;
  });
  return {maximum, reduce(block, shared.scratch, own, Plus())};
}

// Block of 256 threads, grid of one block a query, 1024 bytes of shared memory for a reduction.
// Thread t owns the columns t, t + 256, ...
struct SelectStatsKernel {
  static constexpr int kThreads = 256;
  using Shared = SumsShared;
  const SelectTask* tasks = nullptr;
  SelectStats* stats = nullptr;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const SelectTask& task = tasks[block.x()];
    const RowSums sums = row_sums(block, shared, task.logits, task.columns);
    block.each([&](int thread) {
      if (thread != 0) return;
      SelectStats found;
      found.maximum = sums.maximum;
      found.log_sum = logf(sums.sum);
      found.empty = sums.maximum == -HUGE_VALF;
      if (sums.maximum == HUGE_VALF) found.status = SelectStatus::not_a_number;
      stats[block.x()] = found;
    });
  }
};

// As the other ops on elements: a thread owns one column of one query.
struct SelectScoreKernel {
  static constexpr int kThreads = Elements::kThreads;
  using Shared = NothingShared;
  Elements elements;  // queries, most columns of a query
  const SelectTask* tasks = nullptr;
  const SelectStats* stats = nullptr;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    elements.each(block, [&](std::int64_t query, std::int64_t column) {
      const SelectTask& task = tasks[query];
      if (column < task.columns) task.scores[column] = score(task, stats[query], column);
    });
  }

 private:
  static TANDEM_HOST_DEVICE float score(const SelectTask& task, const SelectStats& about,
                                        std::int64_t column) {
    if (about.empty || about.status != SelectStatus::ok) return -HUGE_VALF;
    if (task.forced_column != kNoForce) return column == task.forced_column ? 0.0F : -HUGE_VALF;
    if (!task.allows(task.token(column))) return -HUGE_VALF;
    const float logit = task.logits[column];
    return task.space == ScoreSpace::logits ? logit : (logit - about.maximum) - about.log_sum;
  }
};

// One edit of one score. A token that is out (-inf) stays out whatever is added to it.
TANDEM_HOST_DEVICE inline float edited(float score, const ScoreEdit& edit) {
  if (edit.kind == ScoreEdit::Kind::ban) return -HUGE_VALF;
  if (score == -HUGE_VALF) return score;
  if (edit.kind == ScoreEdit::Kind::penalize)
    return score < 0.0F ? score * edit.value : score / edit.value;
  if (edit.kind == ScoreEdit::Kind::add) return score + edit.value;
  if (edit.kind == ScoreEdit::Kind::add_relative) return score + fabsf(score) * edit.value;
  return score;
}

// Block of 64 threads, grid of queries x ceil(most runs / 64), no shared memory. A thread owns one
// column that is edited, so that the edits of a token keep their order.
struct SelectEditKernel {
  static constexpr int kThreads = 64;
  using Shared = NothingShared;
  const SelectTask* tasks = nullptr;
  const ScoreEdit* edits = nullptr;  // of all runs

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& /*shared*/) const {
    const SelectTask& task = tasks[block.x()];
    block.each([&](int thread) {
      const std::int64_t index = block.y() * kThreads + thread;
      if (index >= task.num_edit_runs) return;
      const EditRun run = task.edit_runs[index];
      float score = task.scores[run.column];
      for (std::int32_t i = 0; i < run.count; ++i) score = edited(score, edits[run.first + i]);
      task.scores[run.column] = score;
    });
  }
};

// Block of 256 threads, grid of one block a query, 1024 bytes of shared memory for a reduction.
// Thread t owns the columns t, t + 256, ...
struct RenormalizeKernel {
  static constexpr int kThreads = 256;
  using Shared = SumsShared;
  const SelectTask* tasks = nullptr;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const SelectTask& task = tasks[block.x()];
    if (!task.renormalize) return;
    const RowSums sums = row_sums(block, shared, task.scores, task.columns);
    if (sums.maximum == -HUGE_VALF) return;  // nothing is left to choose from
    const float log_total = sums.maximum + logf(sums.sum);
    block.each([&](int thread) {
      for (std::int32_t c = thread; c < task.columns; c += kThreads)
        task.scores[c] = task.scores[c] - log_total;
    });
  }
};

struct RankedColumn {
  float score;
  std::int32_t column;
};

TANDEM_HOST_DEVICE inline bool ranks_before(const RankedColumn& a, const RankedColumn& b) {
  return a.score != b.score ? a.score > b.score : a.column < b.column;
}

struct Better {
  TANDEM_HOST_DEVICE RankedColumn operator()(const RankedColumn& a, const RankedColumn& b) const {
    return ranks_before(b, a) ? b : a;
  }
};

// Block of 256 threads, grid of queries x slices, 10 KiB of shared memory: the slice's scores and a
// reduction. Thread t owns the columns t, t + 256, ... of the slice and knows the best of them; k
// times the best of all threads is taken out. Cost: k reductions.
struct TopSliceKernel {
  static constexpr int kThreads = 256;
  struct Shared {
    float scores[kSliceColumns];
    RankedColumn scratch[kThreads];
  };
  const SelectTask* tasks = nullptr;
  RankedColumn* lists = nullptr;  // [query][slice][list_length], best first; then scores of -inf
  std::int32_t slices = 0, list_length = 0;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const SelectTask& task = tasks[block.x()];
    const std::int64_t first = block.y() * kSliceColumns;
    RankedColumn* list = lists + (block.x() * slices + block.y()) * list_length;
    typename Block::template Own<RankedColumn> best;
    block.each([&](int thread) {
      for (int c = thread; c < kSliceColumns; c += kThreads)
        shared.scores[c] = first + c < task.columns ? task.scores[first + c] : -HUGE_VALF;
      best[thread] = best_of(shared, first, thread);
    });
    for (std::int32_t i = 0; i < task.top_k; ++i) {
      const RankedColumn winner = reduce(block, shared.scratch, best, Better());
      block.each([&](int thread) {
        if (thread == 0) list[i] = winner;
        const auto place = static_cast<int>(winner.column - first);
        if (place % kThreads != thread) return;
        shared.scores[place] = -HUGE_VALF;
        best[thread] = best_of(shared, first, thread);
      });
    }
  }

 private:
  static TANDEM_HOST_DEVICE RankedColumn best_of(const Shared& shared, std::int64_t first,
                                                 int thread) {
    RankedColumn best{shared.scores[thread], static_cast<std::int32_t>(first + thread)};
    for (int c = thread + kThreads; c < kSliceColumns; c += kThreads)
      if (shared.scores[c] > best.score)
        best = {shared.scores[c], static_cast<std::int32_t>(first + c)};
    return best;
  }
};

// Block of 256 threads, grid of one block a query, 2 KiB of shared memory for a reduction. Thread t
// owns the list of slice t and stands at its head. Cost: k reductions.
struct TopMergeKernel {
  static constexpr int kThreads = kMaxSlices;
  struct Shared {
    RankedColumn scratch[kThreads];
  };
  const SelectTask* tasks = nullptr;
  const SelectStats* stats = nullptr;
  const RankedColumn* lists = nullptr;  // of TopSliceKernel
  std::int32_t slices = 0, list_length = 0;
  Candidate* out = nullptr;  // [query][list_length]; the first says so where there is none
  SelectAnswer* answers = nullptr;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const SelectTask& task = tasks[block.x()];
    const RankedColumn* own_lists = lists + block.x() * slices * list_length;
    Candidate* to = out + block.x() * list_length;
    typename Block::template Own<std::int32_t> head;
    typename Block::template Own<RankedColumn> best;
    block.each([&](int thread) {
      head[thread] = 0;
      best[thread] = at(own_lists, task.top_k, thread, 0);
    });
    std::int32_t count = 0;
    for (; count < task.top_k; ++count) {
      const RankedColumn winner = reduce(block, shared.scratch, best, Better());
      if (winner.score == -HUGE_VALF) break;
      block.each([&](int thread) {
        if (thread == 0) to[count] = candidate(task, stats[block.x()], winner);
        if (best[thread].column != winner.column || best[thread].score == -HUGE_VALF) return;
        head[thread] = head[thread] + 1;
        best[thread] = at(own_lists, task.top_k, thread, head[thread]);
      });
    }
    block.each([&](int thread) {
      if (thread != 0) return;
      answers[block.x()] = {count, stats[block.x()].status};
      if (count == 0 && list_length > 0) to[0] = no_candidate(stats[block.x()]);
    });
  }

 private:
  // Entry `index` of a slice's list; behind its end, or without a slice, what is worse than all.
  TANDEM_HOST_DEVICE RankedColumn at(const RankedColumn* own_lists, std::int32_t top_k, int slice,
                                     std::int32_t index) const {
    if (slice >= slices || index >= top_k) return {-HUGE_VALF, 0};
    return own_lists[std::int64_t{slice} * list_length + index];
  }

  // What Backend::select_best answers.
  static TANDEM_HOST_DEVICE Candidate no_candidate(const SelectStats& about) {
    Candidate none;
    if (about.status != SelectStatus::ok) none.log_prob = NAN;
    return none;
  }

  static TANDEM_HOST_DEVICE Candidate candidate(const SelectTask& task, const SelectStats& about,
                                                const RankedColumn& winner) {
    Candidate found;
    found.token = task.token(winner.column);
    found.log_prob = (task.logits[winner.column] - about.maximum) - about.log_sum;
    found.score = winner.score;
    return found;
  }
};

}  // namespace tandem::cuda
