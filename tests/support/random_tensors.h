// Seeded random tensors.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "kernels/backend.h"
#include "tensor/tensor.h"

namespace tandem {

class RandomTensors {
 public:
  explicit RandomTensors(std::uint32_t seed) : random_(seed) {}

  Tensor normal(Shape shape, float scale, float center = 0) {
    Tensor tensor = Tensor::zeros(shape, DType::float32);
    std::normal_distribution<float> normal(center, scale);
    for (float& value : tensor.mutable_data<float>()) value = normal(random_);
    return tensor;
  }
  LinearWeights linear(std::int64_t outputs, std::int64_t inputs) {
    LinearWeights weights;
    weights.weight = normal({outputs, inputs}, 0.3F);
    weights.bias = normal({outputs}, 0.3F);
    return weights;
  }
  // The same in the form of a quantised file: one scale, and an activation multiplier.
  LinearWeights int8_linear(std::int64_t outputs, std::int64_t inputs, float activation_scale) {
    LinearWeights weights;
    weights.weight = Tensor::zeros({outputs, inputs}, DType::int8);
    std::uniform_int_distribution<int> values(-127, 127);
    for (std::int8_t& value : weights.weight.mutable_data<std::int8_t>())
      value = static_cast<std::int8_t>(values(random_));
    weights.weight_scales = {0.005F};
    weights.activation_scale = activation_scale;
    return weights;
  }

 private:
  std::mt19937 random_;
};

}  // namespace tandem
