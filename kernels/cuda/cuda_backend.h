// The CUDA backend: Backend's ops as kernels on one stream of one GPU. Plain C++: it plans each op
// on the host, sends the index arrays, and runs kernels through Gpu (gpu.h).
//
// Numerics: with `exact` every op computes a row with an order of additions that does not depend on
// the other rows; each kernel's file says how. With `fast`, float products of many rows are the
// library's: their sums are float32 in its order, and with 16-bit weights their inputs are rounded
// to 16 bits. Products of many rows in int8 are the library's with both, since the bits are equal.
//
// Cost: one launch for most ops; products in int8 add one to quantise their inputs, and one behind
// the library's sums; select takes four to six and one wait for the device. Launches and index
// arrays gather until then (stream.h), so a decoder step of few rows is one copy and one list of
// launches. select_best hands them over and does not wait.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/packed_linear.h"

namespace tandem::cuda {

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::unique_ptr<Gpu> gpu, Numerics numerics);

  Device device() const override { return Device::cuda(ordinal_); }
  std::string name() const override;
  DType cache_type(ComputeType type) const override {
    return type == ComputeType::float32 ? DType::float32 : DType::float16;
  }
  bool prefers_running_ahead() const override { return true; }

  std::unique_ptr<Buffer> allocate(std::size_t bytes) override;
  // Both wait until the copy is done.
  void to_device(void* device, const void* host, std::size_t bytes) override;
  void to_host(void* host, const void* device, std::size_t bytes) override;
  void sync() override;

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
  // Of several rows that go to one place, any may win.
  void scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                    MatrixView to) override;
  void gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows,
                   MatrixView out) override;

  // With weights of a head it waits until they are on the host. Throws Error{unsupported} for heads
  // wider than kMaxHeadDim.
  void attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                 const AttentionShape& shape, MatrixView out,
                 float* const* weights_of_head0) override;
  void ssru(ConstMatrixView candidate, ConstMatrixView forget,
            std::span<const std::int32_t> previous_slots, std::span<const std::int32_t> slots,
            MatrixView states, MatrixView out) override;

  void select(MatrixView logits, std::span<const SelectQuery> queries,
              std::span<SelectAnswer> answers, Candidate* out, std::size_t out_stride) override;
  void select_best(MatrixView logits, std::span<const SelectQuery> queries,
                   Candidate* best) override;

 private:
  // Rows of scores after steps 1 to 4, on the device.
  struct ScoredRows {
    std::vector<SelectTask> tasks;
    const SelectTask* sent = nullptr;  // on the device
    std::int64_t columns = 0;          // the most of a row
    std::unique_ptr<Buffer> scores, stats;

    const SelectStats* about() const { return static_cast<const SelectStats*>(stats->data()); }
    std::int32_t most_candidates() const;  // that a row asks of the device
  };

  Stream& stream() { return memory_->stream(); }
  template <class To>
  void scatter(ConstMatrixView from, std::span<const std::int32_t> to_rows, MatrixView to);
  template <class From, class To>
  void gather(ConstMatrixView from, std::span<const std::int32_t> rows, MatrixView out);
  template <class Key>
  void attend(ConstMatrixView queries, std::span<const AttentionGroup> groups,
              const AttentionShape& shape, MatrixView out, float* const* weights_of_head0);
  template <class Product>
  void multiply_rows(Rows<const typename Product::Input> x, std::int64_t rows,
                     const CudaPackedLinear& weights, const LinearEpilogue& epilogue,
                     const float* row_factors, MatrixView out);
  MatrixProduct product_of(std::int64_t rows, const CudaPackedLinear& weights);
  // Whether Numerics::fast has another way for this product, which was taken then.
  bool multiply_fast(ConstMatrixView x, const CudaPackedLinear& weights,
                     const LinearEpilogue& epilogue, MatrixView out);
  template <class To>
  void round_rows(ConstMatrixView x, std::int64_t stride, Buffer& to);
  void multiply_int8(ConstMatrixView x, const CudaPackedLinear& weights,
                     const LinearEpilogue& epilogue, MatrixView out);
  // Whether the library took the quantised inputs.
  bool multiply_steps(const QuantizeKernel& x, std::int64_t rows, const CudaPackedLinear& weights,
                      const LinearEpilogue& epilogue, MatrixView out);
  ScoredRows score_rows(MatrixView logits, std::span<const SelectQuery> queries);
  // Step 5: out [rows][rows.most_candidates()], both in device memory.
  void rank_rows(const ScoredRows& rows, Candidate* out, SelectAnswer* answers);
  // The same with answers on the host; waits for them.
  void rank_and_fetch(const ScoredRows& rows, std::span<SelectAnswer> answers, Candidate* out,
                      std::size_t out_stride);

  std::shared_ptr<DeviceMemory> memory_;
  int ordinal_;
  Numerics numerics_;
  bool fast_;                          // float products of many rows go to the library
  std::unique_ptr<Buffer> workspace_;  // of the library's products
};

// Views as kernels take them; an empty one has no data.
template <class T = float>
Rows<const T> rows_of(ConstMatrixView view) {
  return {view.rows() == 0 ? nullptr : view.row<T>(0), view.stride()};
}
template <class T = float>
Rows<T> rows_of(MatrixView view) {
  return {view.rows() == 0 ? nullptr : view.row<T>(0), view.stride()};
}

}  // namespace tandem::cuda
