// The oracle: every op of Backend written as its definition, one element at a time, in double. Slow
// on purpose and never used to serve; tests compare the other backends with it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "kernels/backend.h"

namespace tandem {

// y = activation(x), from the formulas of the papers named in kernels/cpu/math-inl.h.
double reference_activation(double x, Activation activation);

class ReferenceBackend final : public Backend {
 public:
  Device device() const override { return Device::cpu(); }
  std::string name() const override { return "reference, double accumulation, 1 thread"; }
  DType cache_type(ComputeType type) const override {
    return type == ComputeType::float32 ? DType::float32 : DType::float16;
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
};

}  // namespace tandem
