// The cpu backend: Backend's ops as loops over rows, panels and heads, split over a thread pool and
// handed to the kernels of one instruction set.
//
// Every loop splits work that is independent row by row, panel by panel or head by head, so results
// are bit-equal for any number of threads. Work below some ten microseconds stays on the calling
// thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cpu/features.h"
#include "kernels/cpu/host_memory.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/matmul_onednn.h"
#include "kernels/cpu/packed_linear.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/select.h"

namespace tandem::cpu {

// Throws Error{unsupported} if this CPU lacks `isa`, and as ThreadPool does.
std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options, Isa isa);

class CpuBackend final : public Backend {
 public:
  CpuBackend(const BackendOptions& options, Isa isa);

  Device device() const override { return Device::cpu(); }
  std::string name() const override;
  DType cache_type(ComputeType type) const override {
    const bool wide = type == ComputeType::float32 || kernels_.round_to_float16 == nullptr;
    return wide ? DType::float32 : DType::float16;
  }

  std::unique_ptr<Buffer> allocate(std::size_t bytes) override;
  void to_device(void* device, const void* host, std::size_t bytes) override;
  void to_host(void* host, const void* device, std::size_t bytes) override;
  void sync() override {}

  std::shared_ptr<const PackedLinear> pack(const LinearWeights& weights, ComputeType type) override;
  std::shared_ptr<const PackedLinear> select_outputs(
      const PackedLinear& weights, std::span<const std::int32_t> columns) override;
  void linear(ConstMatrixView x, const PackedLinear& weights, const LinearEpilogue& epilogue,
              MatrixView out) override;

  void embed(ConstMatrixView table, TokenIds ids, float scale, ConstMatrixView positions,
             std::span<const std::int32_t> position_ids, MatrixView out) override;
  void layer_norm(ConstMatrixView x, ConstMatrixView gain, ConstMatrixView bias, float epsilon,
                  MatrixView out) override;
  void rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon, MatrixView out) override;
  void activate(ConstMatrixView x, Activation activation, MatrixView out) override;
  void add(ConstMatrixView a, ConstMatrixView b, MatrixView out) override;
  void multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) override;
  void scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                    MatrixView to) override;
  void gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows,
                   MatrixView out) override;

  void attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                 const AttentionShape& shape, MatrixView out,
                 float* const* weights_of_head0) override;
  void ssru(ConstMatrixView candidate, ConstMatrixView forget,
            std::span<const std::int32_t> previous_slots, std::span<const std::int32_t> slots,
            MatrixView states, MatrixView out) override;

  void select(MatrixView logits, std::span<const SelectQuery> queries,
              std::span<SelectAnswer> answers, Candidate* out, std::size_t out_stride) override;

 private:
  // Splits [0, count) over the pool if all of it takes long enough to be worth a hand-over.
  // `cost` is the work of one item in multiply-adds, roughly.
  template <class Body>
  void split(std::int64_t count, std::int64_t cost, const Body& body);

  void multiply_f32(ConstMatrixView x, const CpuPackedLinear& weights, const ProductOutput& output);
  void multiply_bfloat16(ConstMatrixView x, const CpuPackedLinear& weights,
                         const ProductOutput& output);
  void multiply_int8(ConstMatrixView x, const CpuPackedLinear& weights,
                     const ProductOutput& output);
  void multiply_onednn(ConstMatrixView x, const CpuPackedLinear& weights,
                       const ProductOutput& output);
  template <class Multiply>
  void split_product(std::int64_t rows, const CpuPackedLinear& weights, const Multiply& multiply);
  template <class Stored>
  void attend_range(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                    const AttentionShape& shape, MatrixView out, float* const* weights_of_head0,
                    std::int64_t begin, std::int64_t end, float* scratch,
                    std::int64_t scores_stride) const;

  // What a few sentences need for their caches in a base-size model. More would be kept for the
  // sake of large calls, which take long beside what their pages cost.
  static constexpr std::size_t kKeptBytes = std::size_t{16} << 20;

  Isa isa_;
  const Kernels& kernels_;
  Numerics numerics_;
  ThreadPool pool_;
  std::shared_ptr<HostMemory> memory_ = std::make_shared<HostMemory>(kKeptBytes);
  WeightMemory weight_memory_;
  Scratch quantized_;
  Scratch quantized_rows_;
  Scratch attention_scratch_;
  Scratch library_sums_;
  std::vector<RowSelector> selectors_;  // one for each worker
  std::vector<std::unique_ptr<OnednnMatmul>>
      onednn_;  // one for each worker; empty unless it is used
};

// Some ten microseconds of multiply-adds: below it a hand-over costs more than it saves.
inline constexpr std::int64_t kMinSplitCost = 200'000;

template <class Body>
void CpuBackend::split(std::int64_t count, std::int64_t cost, const Body& body) {
  if (count <= 0) return;
  if (pool_.size() == 1 || count == 1 || count < kMinSplitCost / (cost < 1 ? 1 : cost))
    body(std::int64_t{0}, count, 0);
  else
    pool_.parallel_for(count, body);
}

}  // namespace tandem::cpu
