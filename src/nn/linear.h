// y = activation(x W^T + b) + residual, with weights packed once for a backend.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "kernels/backend.h"

namespace tandem {

// Immutable after construction; copies share the packed weights.
class Linear {
 public:
  Linear() = default;
  // `type` is one that the backend computes in (Backend::pack).
  Linear(Backend& backend, const LinearWeights& weights, ComputeType type);

  // x [N, inputs], out [N, outputs].
  void forward(Backend& backend, ConstMatrixView x, MatrixView out,
               const LinearEpilogue& epilogue = {}) const {
    backend.linear(x, *packed_, epilogue, out);
  }

  bool empty() const { return packed_ == nullptr; }
  std::int64_t inputs() const { return packed_->inputs(); }
  std::int64_t outputs() const { return packed_->outputs(); }
  std::size_t bytes() const { return packed_ ? packed_->bytes() : 0; }
  const PackedLinear& packed() const { return *packed_; }

 private:
  std::shared_ptr<const PackedLinear> packed_;
};

// The product that gives the outputs of all `parts` one after another, for layers that read the
// same input: one pass over the input, one quantisation of it. A part without bias gets zeros where
// another has one; a first part that is packed is the whole stack already. Throws Error{corrupt}
// that names `what` when the parts cannot be one product: other inputs, float32 with int8, or
// another multiplier of the activations.
LinearWeights stack_outputs(std::span<const LinearWeights* const> parts, const std::string& what);

// int8 weights as the float32 values that they mean, [N_out, K]; float32 weights as they are.
Tensor dequantize(const Tensor& weight, std::span<const float> scales);

}  // namespace tandem
