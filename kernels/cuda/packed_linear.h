// Weights of the CUDA backend in device memory: [word][output], where a word is one input in
// float32, bfloat16 or float16, or four in int8 (product_kernels.h). Outputs are padded with zeros
// to a multiple of 32; so are bias and scales. Immutable once made, so contexts share them.
//
// int8 weights are there twice where the library of Gpu::multiply was found: it takes them along
// their inputs alone, the own kernels for few rows along their outputs. A selection of outputs is
// made once: it belongs to one sentence, whose rows are few.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kernels/backend.h"
#include "kernels/cuda/device_memory.h"

namespace tandem::cuda {

// Weights of 16 bits.
constexpr bool is_narrow(ComputeType type) {
  return type == ComputeType::bfloat16 || type == ComputeType::float16;
}

class CudaPackedLinear final : public PackedLinear {
 public:
  // Returns when everything is on the device. Throws Error as Backend::pack does.
  CudaPackedLinear(DeviceMemory& memory, const LinearWeights& weights, ComputeType type);
  // The outputs `columns` of `whole`, gathered on the device in stream order.
  CudaPackedLinear(DeviceMemory& memory, const CudaPackedLinear& whole,
                   std::span<const std::int32_t> columns);

  std::int64_t outputs() const override { return outputs_; }
  std::int64_t inputs() const override { return inputs_; }
  ComputeType compute_type() const override { return type_; }
  std::size_t bytes() const override;
  // This layout is made at load time and has no form for files.
  PackedParts parts() const override;

  std::int64_t words() const { return type_ == ComputeType::int8 ? (inputs_ + 3) / 4 : inputs_; }
  template <class Word>
  Rows<const Word> weights() const {
    return {static_cast<const Word*>(weights_->data()), padded_outputs(outputs_)};
  }
  // The same for the library, which takes floats as they are.
  Operand operand() const { return {weights_->data(), padded_outputs(outputs_)}; }
  // int8: [padded outputs][inputs], zeros behind the last input; null data without the library.
  Operand transposed() const {
    return {transposed_ ? transposed_->data() : nullptr, aligned_stride(inputs_, 1)};
  }
  const float* bias() const { return bias_ ? static_cast<const float*>(bias_->data()) : nullptr; }
  // int8: what the sums of a column are multiplied by, besides the factor of their row.
  const float* column_factors() const {
    return factors_ ? static_cast<const float*>(factors_->data()) : nullptr;
  }
  float activation_scale() const { return activation_scale_; }

 private:
  void transpose(DeviceMemory& memory);

  ComputeType type_;
  std::int64_t outputs_, inputs_;
  std::unique_ptr<Buffer> weights_, transposed_, bias_, factors_;
  float activation_scale_;
};

}  // namespace tandem::cuda
