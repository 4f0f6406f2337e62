#include "kernels/cpu/backend.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tandem::cpu {
namespace {

const Kernels& kernels_of(Isa isa) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::baseline:
      break;
    case Isa::avx2:
      return avx2_kernels();
    case Isa::avx512:
      return avx512_kernels();
    case Isa::avx512_vnni:
      return avx512_vnni_kernels();
  }
#endif
  static_cast<void>(isa);
  return baseline_kernels();
}

// One row to another of its type, or from float32 to float16.
void copy_row(const Kernels& kernels, ConstMatrixView from, MatrixView to) {
  if (from.dtype() == to.dtype())
    std::memcpy(to.raw(), from.raw(),
                static_cast<std::size_t>(from.cols()) * size_of(from.dtype()));
  else
    kernels.round_to_float16(from.row<float>(0), from.cols(), to.row<Float16>(0));
}

void attend(const Kernels& kernels, const AttendHead<float>& head) {
  kernels.attend(head);
}
void attend(const Kernels& kernels, const AttendHead<Float16>& head) {
  kernels.attend_float16(head);
}
void attend(const Kernels& kernels, const AttendRow<float>& row) {
  kernels.attend_row(row);
}
void attend(const Kernels& kernels, const AttendRow<Float16>& row) {
  kernels.attend_row_float16(row);
}

// What the row after `group` will read, if its keys lie as those of `group` do.
template <class Stored>
NextKeys<Stored> keys_of_next(const AttentionGroup& group, const AttentionGroup* next) {
  if (next == nullptr || next->keys.stride() != group.keys.stride() ||
      next->values.stride() != group.values.stride())
    return {group.keys.row<Stored>(0), group.values.row<Stored>(0), nullptr, 0};
  return {next->keys.row<Stored>(0), next->values.row<Stored>(0), next->slots, next->num_keys};
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options, Isa isa) {
  if (isa > widest_isa())
    throw Error(ErrorCode::unsupported, "opening the cpu backend: this CPU has no " +
                                            std::string(to_string(isa)) + ", only " +
                                            std::string(to_string(widest_isa())));
  return std::make_unique<CpuBackend>(options, isa);
}

CpuBackend::CpuBackend(const BackendOptions& options, Isa isa)
    : isa_(isa),
      kernels_(kernels_of(isa)),
      numerics_(options.numerics),
      pool_(options.threads),
      selectors_(static_cast<std::size_t>(options.threads), RowSelector(kernels_)) {
  // oneDNN takes our panels as they are only with its AVX-512 kernels.
  if (numerics_ != Numerics::fast || isa_ < Isa::avx512) return;
  for (int worker = 0; worker < pool_.size(); ++worker)
    if (auto matmul = make_onednn_matmul()) onednn_.push_back(std::move(matmul));
}

std::string CpuBackend::name() const {
  return "cpu, " + std::string(to_string(isa_)) + ", " + std::to_string(pool_.size()) +
         (pool_.size() == 1 ? " thread, " : " threads, ") +
         (numerics_ == Numerics::exact ? "exact" : "fast");
}

std::unique_ptr<Buffer> CpuBackend::allocate(std::size_t bytes) {
  return memory_->allocate(bytes);
}

void CpuBackend::to_device(void* device, const void* host, std::size_t bytes) {
  if (bytes != 0) std::memcpy(device, host, bytes);
}

void CpuBackend::to_host(void* host, const void* device, std::size_t bytes) {
  if (bytes != 0) std::memcpy(host, device, bytes);
}

void CpuBackend::embed(ConstMatrixView table, TokenIds ids, float scale, ConstMatrixView positions,
                       std::span<const std::int32_t> position_ids, MatrixView out) {
  const bool has_positions = positions.rows() > 0;
  split(static_cast<std::int64_t>(ids.size()), out.cols(),
        [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t n = begin; n < end; ++n) {
            const TokenId id = ids[static_cast<std::size_t>(n)];
            const float* position =
                has_positions ? positions.row<float>(position_ids[static_cast<std::size_t>(n)])
                              : nullptr;
            kernels_.scale_add(id < 0 ? nullptr : table.row<float>(id), scale, position, out.cols(),
                               out.row<float>(n));
          }
        });
}

void CpuBackend::layer_norm(ConstMatrixView x, ConstMatrixView gain, ConstMatrixView bias,
                            float epsilon, MatrixView out) {
  const float* bias_row = bias.rows() > 0 ? bias.row<float>(0) : nullptr;
  split(x.rows(), 2 * x.cols(), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t n = begin; n < end; ++n)
      kernels_.layer_norm(x.row<float>(n), gain.row<float>(0), bias_row, epsilon, x.cols(),
                          out.row<float>(n));
  });
}

void CpuBackend::rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon, MatrixView out) {
  split(x.rows(), 2 * x.cols(), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t n = begin; n < end; ++n)
      kernels_.rms_norm(x.row<float>(n), gain.row<float>(0), epsilon, x.cols(), out.row<float>(n));
  });
}

void CpuBackend::activate(ConstMatrixView x, Activation activation, MatrixView out) {
  split(x.rows(), 8 * x.cols(), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t n = begin; n < end; ++n)
      kernels_.activate(x.row<float>(n), activation, x.cols(), out.row<float>(n));
  });
}

void CpuBackend::add(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  split(a.rows(), a.cols(), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t n = begin; n < end; ++n)
      kernels_.add(a.row<float>(n), b.row<float>(n), a.cols(), out.row<float>(n));
  });
}

void CpuBackend::multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  split(a.rows(), a.cols(), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t n = begin; n < end; ++n)
      kernels_.multiply(a.row<float>(n), b.row<float>(n), a.cols(), out.row<float>(n));
  });
}

void CpuBackend::scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                              MatrixView to) {
  for (std::size_t n = 0; n < to_rows.size(); ++n)
    copy_row(kernels_, from.slice_rows(static_cast<std::int64_t>(n), 1),
             to.slice_rows(to_rows[n], 1));
}

void CpuBackend::gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows,
                             MatrixView out) {
  for (std::size_t n = 0; n < rows.size(); ++n)
    copy_row(kernels_, from.slice_rows(rows[n], 1),
             out.slice_rows(static_cast<std::int64_t>(n), 1));
}

void CpuBackend::attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                           const AttentionShape& shape, MatrixView out,
                           float* const* weights_of_head0) {
  std::int64_t items = 0, most_keys = 1;
  for (const AttentionGroup& group : groups) {
    TANDEM_DCHECK(group.num_keys >= 1);
    items += std::int64_t{group.num_queries} * shape.num_heads;
    most_keys =
        std::max<std::int64_t>(most_keys, group.num_keys + (group.causal ? group.num_queries : 0));
  }
  // Room for each worker's scores and keys, rounded up to any vector.
  const std::int64_t stride = (most_keys + 15) / 16 * 16;
  const std::int64_t score_rows = std::max<std::int64_t>(kAttendBlock, shape.num_heads);
  const std::int64_t worker_floats = stride * (score_rows + shape.head_dim + 1);
  float* scratch = attention_scratch_.reserve<float>(worker_floats * pool_.size());
  const bool narrow = !groups.empty() && groups.front().keys.dtype() == DType::float16;
  split(items, 2 * most_keys * shape.head_dim,
        [&](std::int64_t begin, std::int64_t end, int worker) {
          const auto range =
              narrow ? &CpuBackend::attend_range<Float16> : &CpuBackend::attend_range<float>;
          (this->*range)(queries, groups, shape, out, weights_of_head0, begin, end,
                         scratch + worker * worker_floats, stride);
        });
}

// Items are numbered group by group, head by head, query by query, so that neighbours share keys:
// those of one head are one call.
template <class Stored>
void CpuBackend::attend_range(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                              const AttentionShape& shape, MatrixView out,
                              float* const* weights_of_head0, std::int64_t begin, std::int64_t end,
                              float* scratch, std::int64_t scores_stride) const {
  const std::int64_t reach = shape.distance_bias.cols() / 2;
  const std::int64_t score_rows = std::max<std::int64_t>(kAttendBlock, shape.num_heads);
  std::int64_t first = 0;  // number of the first item of the group
  for (const AttentionGroup& group : groups) {
    const std::int64_t count = std::int64_t{group.num_queries} * shape.num_heads;
    const std::int64_t stop = std::min(end, first + count);
    for (std::int64_t item = std::max(begin, first); item < stop;) {
      const std::int64_t head = (item - first) / group.num_queries;
      const std::int64_t query = (item - first) % group.num_queries;
      const std::int64_t row = group.first_query + query, column = head * shape.head_dim;
      const std::int64_t num_queries = std::min(group.num_queries - query, stop - item);
      const AttendHead<Stored> call = {
          .query = queries.row<float>(row) + column,
          .query_stride = queries.stride(),
          .num_queries = num_queries,
          .keys = group.keys.row<Stored>(0) + column,
          .key_stride = group.keys.stride(),
          .values = group.values.row<Stored>(0) + column,
          .value_stride = group.values.stride(),
          .slots = group.slots,
          .num_keys = group.num_keys + (group.causal ? query : 0),
          .more_keys = group.causal ? 1 : 0,
          .head_dim = shape.head_dim,
          .scale = shape.scale,
          .bias = shape.distance_bias.rows() == 0 ? nullptr
                                                  : shape.distance_bias.row<float>(head) + reach,
          .position = group.first_position + query,
          .reach = reach,
          .out = out.row<float>(row) + column,
          .out_stride = out.stride(),
          .weights = head == 0 && weights_of_head0 != nullptr ? weights_of_head0 + row : nullptr,
          .scores = scratch,
          .scores_stride = scores_stride,
          .transposed = scratch + score_rows * scores_stride};
      if (group.num_queries == 1 && weights_of_head0 == nullptr) {
        const bool is_last = &group == &groups.back() || first + count >= end;
        attend(kernels_, AttendRow<Stored>{
                             .first = call,
                             .num_heads = stop - item,
                             .bias_stride = shape.distance_bias.stride(),
                             .next = keys_of_next<Stored>(group, is_last ? nullptr : &group + 1)});
        break;
      }
      attend(kernels_, call);
      item += num_queries;
    }
    first += count;
    if (first >= end) return;
  }
}

void CpuBackend::ssru(ConstMatrixView candidate, ConstMatrixView forget,
                      std::span<const std::int32_t> previous_slots,
                      std::span<const std::int32_t> slots, MatrixView states, MatrixView out) {
  for (std::size_t n = 0; n < slots.size(); ++n) {  // in order: a row may read the one before it
    const auto row = static_cast<std::int64_t>(n);
    const float* previous = previous_slots[n] < 0 ? nullptr : states.row<float>(previous_slots[n]);
    kernels_.ssru(candidate.row<float>(row), forget.row<float>(row), previous, out.cols(),
                  states.row<float>(slots[n]), out.row<float>(row));
  }
}

void CpuBackend::select(MatrixView logits, std::span<const SelectQuery> queries,
                        std::span<SelectAnswer> answers, Candidate* out, std::size_t out_stride) {
  const std::int64_t width = queries.empty() ? 0 : 4 * logits.cols();
  split(static_cast<std::int64_t>(queries.size()), width,
        [&](std::int64_t begin, std::int64_t end, int worker) {
          for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
            answers[i] = selectors_[static_cast<std::size_t>(worker)].select(
                logits.row<float>(queries[i].row), queries[i], out + i * out_stride);
        });
}

}  // namespace tandem::cpu
