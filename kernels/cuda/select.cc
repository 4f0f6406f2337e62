// Candidate queries on the CUDA backend: the host turns each query into a task, the device does the
// five steps. Rows that ask for more than kMaxTopK candidates, or for all of them, are scored on
// the device and ranked or listed on the host.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "kernels/cuda/cuda_backend.h"

namespace tandem::cuda {
namespace {

bool ranks_on_device(const SelectQuery& query) {
  return query.query->ranked && query.query->top_k <= kMaxTopK &&
         query.num_columns <= std::int64_t{kSliceColumns} * kMaxSlices;
}

std::int32_t column_of(const SelectQuery& query, TokenId token) {
  if (query.ids == nullptr) return token >= 0 && token < query.num_columns ? token : -1;
  const std::int32_t* end = query.ids + query.num_columns;
  const std::int32_t* found = std::lower_bound(query.ids, end, token);
  return found != end && *found == token ? static_cast<std::int32_t>(found - query.ids) : -1;
}

// The edits of all queries, sorted by column within a query; those of one column keep their order.
struct EditPlan {
  std::vector<ScoreEdit> edits;
  std::vector<EditRun> runs;
  std::vector<std::size_t> first_run;  // of each query
  std::int64_t most_runs = 0;

  // The last force makes what stands before it irrelevant; returns its column for SelectTask.
  std::int32_t add(const SelectQuery& query) {
    first_run.push_back(runs.size());
    const std::vector<ScoreEdit>& all = query.query->edits;
    const auto force = std::find_if(all.rbegin(), all.rend(), [](const ScoreEdit& edit) {
      return edit.kind == ScoreEdit::Kind::force;
    });
    std::vector<std::pair<std::int32_t, ScoreEdit>> placed;
    for (auto edit = force.base(); edit != all.end(); ++edit)
      if (const std::int32_t column = column_of(query, edit->token); column >= 0)
        placed.emplace_back(column, *edit);
    std::ranges::stable_sort(placed, {}, [](const auto& entry) { return entry.first; });
    for (const auto& [column, edit] : placed) {
      if (runs.size() == first_run.back() || runs.back().column != column)
        runs.push_back({column, static_cast<std::int32_t>(edits.size()), 0});
      ++runs.back().count;
      edits.push_back(edit);
    }
    most_runs = std::max(most_runs, static_cast<std::int64_t>(runs.size() - first_run.back()));
    return force == all.rend() ? kNoForce : column_of(query, force->token);
  }
};

std::int64_t most_columns(std::span<const SelectQuery> queries) {
  std::int64_t most = 0;
  for (const SelectQuery& query : queries) most = std::max(most, query.num_columns);
  return most;
}

// Neighbouring queries often share a shortlist or a mask: it is sent once.
class SharedArrays {
 public:
  explicit SharedArrays(Stream& stream) : stream_(stream) {}

  template <class T>
  const T* send(const T* values, std::size_t count) {
    if (values != last_ || count != last_count_) {
      last_ = values;
      last_count_ = count;
      sent_ = stream_.upload(std::span<const T>(values, count));
    }
    return static_cast<const T*>(sent_);
  }

 private:
  Stream& stream_;
  const void* last_ = nullptr;
  std::size_t last_count_ = 0;
  const void* sent_ = nullptr;
};

// What the host ranks or lists: one row, copied from the device.
struct HostRow {
  std::vector<float> logits, scores;
  SelectStats stats;

  Candidate candidate(const SelectQuery& query, std::int64_t column) const {
    const auto c = static_cast<std::size_t>(column);
    return {.token = query.ids == nullptr ? static_cast<TokenId>(column) : query.ids[column],
            .log_prob = (logits[c] - stats.maximum) - stats.log_sum,
            .score = scores[c]};
  }
};

SelectAnswer answer_from(const HostRow& row, const SelectQuery& query, Candidate* out) {
  if (row.stats.status != SelectStatus::ok || row.stats.empty) return {0, row.stats.status};
  const CandidateQuery& asked = *query.query;
  std::vector<RankedColumn> found;
  for (std::int64_t c = 0; c < query.num_columns; ++c) {
    const float score = row.scores[static_cast<std::size_t>(c)];
    const TokenId token = query.ids == nullptr ? static_cast<TokenId>(c) : query.ids[c];
    if (asked.ranked ? score > -HUGE_VALF : asked.mask.allows(token))
      found.push_back({score, static_cast<std::int32_t>(c)});
  }
  std::size_t count = found.size();
  if (asked.ranked) {
    count = std::min(count, static_cast<std::size_t>(std::max(asked.top_k, 0)));
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count),
                      found.end(), ranks_before);
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = row.candidate(query, found[i].column);
  return {static_cast<std::int32_t>(count), SelectStatus::ok};
}

}  // namespace

void CudaBackend::select(MatrixView logits, std::span<const SelectQuery> queries,
                         std::span<SelectAnswer> answers, Candidate* out, std::size_t out_stride) {
  if (queries.empty()) return;
  stream().begin_op();
  const ScoredRows rows = score_rows(logits, queries);
  rank_and_fetch(rows, answers, out, out_stride);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (ranks_on_device(queries[i])) continue;
    const auto width = static_cast<std::size_t>(queries[i].num_columns);
    HostRow row{std::vector<float>(width), std::vector<float>(width), {}};
    to_host(row.logits.data(), rows.tasks[i].logits, width * sizeof(float));
    to_host(row.scores.data(), rows.tasks[i].scores, width * sizeof(float));
    to_host(&row.stats, rows.about() + i, sizeof row.stats);
    answers[i] = answer_from(row, queries[i], out + i * out_stride);
  }
}

void CudaBackend::select_best(MatrixView logits, std::span<const SelectQuery> queries,
                              Candidate* best) {
  if (queries.empty()) return;
  stream().begin_op();
  const ScoredRows rows = score_rows(logits, queries);
  TANDEM_DCHECK(std::ranges::all_of(queries, ranks_on_device) && rows.most_candidates() == 1);
  const std::unique_ptr<Buffer> answers = allocate(queries.size() * sizeof(SelectAnswer));
  rank_rows(rows, best, static_cast<SelectAnswer*>(answers->data()));
  stream().submit();
}

CudaBackend::ScoredRows CudaBackend::score_rows(MatrixView logits,
                                                std::span<const SelectQuery> queries) {
  ScoredRows rows;
  rows.columns = most_columns(queries);
  rows.scores = allocate(queries.size() * static_cast<std::size_t>(rows.columns) * sizeof(float));
  rows.stats = allocate(queries.size() * sizeof(SelectStats));
  auto* scores = static_cast<float*>(rows.scores->data());
  auto* stats = static_cast<SelectStats*>(rows.stats->data());
  std::vector<SelectTask>& tasks = rows.tasks;
  tasks.resize(queries.size());
  EditPlan plan;
  SharedArrays ids(stream()), masks(stream());
  bool renormalize = false;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const SelectQuery& query = queries[i];
    const CandidateQuery& asked = *query.query;
    SelectTask& task = tasks[i];
    task.logits = logits.row<float>(query.row);
    task.scores = scores + static_cast<std::int64_t>(i) * rows.columns;
    task.columns = static_cast<std::int32_t>(query.num_columns);
    if (query.ids != nullptr)
      task.ids = ids.send(query.ids, static_cast<std::size_t>(query.num_columns));
    task.any_allowed = asked.mask.allows_all();
    if (const auto* list = asked.mask.list()) {
      task.allowed = masks.send(list->data(), list->size());
      task.num_allowed = static_cast<std::int32_t>(list->size());
    } else if (const auto* words = asked.mask.words()) {
      task.allowed_bits = masks.send(words->data(), words->size());
      task.num_words = static_cast<std::int32_t>(words->size());
    }
    task.space = asked.space;
    task.top_k = ranks_on_device(query) ? std::max(asked.top_k, 0) : 0;
    task.renormalize = asked.renormalize;
    renormalize = renormalize || asked.renormalize;
    task.forced_column = plan.add(query);
  }

  const EditRun* runs = stream().upload(std::span<const EditRun>(plan.runs));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const std::size_t end = i + 1 < tasks.size() ? plan.first_run[i + 1] : plan.runs.size();
    tasks[i].edit_runs = runs + plan.first_run[i];
    tasks[i].num_edit_runs = static_cast<std::int32_t>(end - plan.first_run[i]);
  }
  const ScoreEdit* edits = stream().upload(std::span<const ScoreEdit>(plan.edits));
  rows.sent = stream().upload(std::span<const SelectTask>(tasks));
  const auto count = static_cast<std::int64_t>(tasks.size());
  stream().run(SelectStatsKernel{rows.sent, stats}, {count, 1});
  const SelectScoreKernel score{{count, rows.columns}, rows.sent, stats};
  stream().run(score, score.elements.grid());
  constexpr std::int64_t kEditThreads = SelectEditKernel::kThreads;
  if (plan.most_runs > 0)
    stream().run(SelectEditKernel{rows.sent, edits},
                 {count, (plan.most_runs + kEditThreads - 1) / kEditThreads});
  if (renormalize) stream().run(RenormalizeKernel{rows.sent}, {count, 1});
  return rows;
}

std::int32_t CudaBackend::ScoredRows::most_candidates() const {
  std::int32_t most = 0;
  for (const SelectTask& task : tasks) most = std::max(most, task.top_k);
  return most;
}

void CudaBackend::rank_rows(const ScoredRows& rows, Candidate* out, SelectAnswer* answers) {
  const std::int32_t most = rows.most_candidates();
  const auto count = static_cast<std::int64_t>(rows.tasks.size());
  const auto slices = static_cast<std::int32_t>(
      std::min<std::int64_t>((rows.columns + kSliceColumns - 1) / kSliceColumns, kMaxSlices));

  const std::unique_ptr<Buffer> lists =
      allocate(static_cast<std::size_t>(count * slices * most) * sizeof(RankedColumn));
  TopSliceKernel slice;
  slice.tasks = rows.sent;
  slice.lists = static_cast<RankedColumn*>(lists->data());
  slice.slices = slices;
  slice.list_length = most;
  if (most > 0) stream().run(slice, {count, slices});

  TopMergeKernel merge;
  merge.tasks = rows.sent;
  merge.stats = rows.about();
  merge.lists = slice.lists;
  merge.slices = slices;
  merge.list_length = most;
  merge.out = out;
  merge.answers = answers;
  stream().run(merge, {count, 1});
}

void CudaBackend::rank_and_fetch(const ScoredRows& rows, std::span<SelectAnswer> answers,
                                 Candidate* out, std::size_t out_stride) {
  const auto length = static_cast<std::size_t>(rows.most_candidates());
  const std::size_t count = rows.tasks.size();
  const std::unique_ptr<Buffer> candidates = allocate(count * length * sizeof(Candidate));
  const std::unique_ptr<Buffer> found = allocate(count * sizeof(SelectAnswer));
  rank_rows(rows, static_cast<Candidate*>(candidates->data()),
            static_cast<SelectAnswer*>(found->data()));
  std::vector<Candidate> best(count * length);
  if (!best.empty())
    stream().copy_out(best.data(), candidates->data(), best.size() * sizeof(Candidate));
  stream().copy_out(answers.data(), found->data(), count * sizeof(SelectAnswer));
  sync();
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(best.begin() + static_cast<std::ptrdiff_t>(i * length), answers[i].count,
                out + i * out_stride);
}

}  // namespace tandem::cuda
