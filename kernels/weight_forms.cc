#include "kernels/weight_forms.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace tandem {
namespace {

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(ErrorCode::corrupt, "packing the weights of a product: " + problem);
}

float scale_of(const std::vector<float>& scales, std::size_t row) {
  return scales[scales.size() == 1 ? 0 : row];
}

// What the sums of a product with an activation scale are multiplied by; `scales` are the weights'.
std::vector<float> product_scales(const LinearWeights& weights, const std::vector<float>& scales) {
  std::vector<float> result;
  if (weights.activation_scale == 0) return result;
  for (std::size_t row = 0; row < scales.size(); ++row)
    result.push_back(weights.product_scales.empty() ? scales[row] / weights.activation_scale
                                                    : scale_of(weights.product_scales, row));
  return result;
}

}  // namespace

void check_linear_weights(const LinearWeights& weights) {
  const Shape& shape = weights.weight.shape();
  if (shape.rank() != 2 || shape[0] < 1 || shape[1] < 1)
    refuse("expected a matrix, found a tensor " + shape.to_string());
  const auto outputs = static_cast<std::size_t>(shape[0]);
  const std::size_t scales = weights.weight_scales.size();
  const bool is_int8 = weights.weight.dtype() == DType::int8;
  if (is_int8 != (scales != 0))
    refuse("expected scales for int8 weights and none for others, found " + std::to_string(scales) +
           " scales and " + std::string(to_string(weights.weight.dtype())));
  if (scales > 1 && scales != outputs)
    refuse("expected 1 or " + std::to_string(outputs) + " scales, found " + std::to_string(scales));
  const std::size_t products = weights.product_scales.size();
  if (products > 1 && products != outputs)
    refuse("expected 1 or " + std::to_string(outputs) + " product scales, found " +
           std::to_string(products));
  if (products > 0 && (scales == 0 || weights.activation_scale == 0))
    refuse("product scales belong to int8 weights with an activation scale");
  for (const auto* given : {&weights.weight_scales, &weights.product_scales})
    for (const float scale : *given)
      if (!std::isfinite(scale)) refuse("a scale of the weights is not finite");
  if (!weights.bias.empty() && weights.bias.shape().elements() != shape[0])
    refuse("expected a bias of " + std::to_string(outputs) + " elements, found " +
           weights.bias.shape().to_string());
  if (!std::isfinite(weights.activation_scale) || weights.activation_scale < 0)
    refuse("the activation scale is negative or not finite");
}

Tensor float32_rows(const LinearWeights& weights) {
  if (weights.weight.dtype() != DType::int8) return weights.weight.to_float32();
  const Shape& shape = weights.weight.shape();
  Tensor result = Tensor::zeros(shape, DType::float32);
  const auto from = weights.weight.data<std::int8_t>();
  const auto to = result.mutable_data<float>();
  const auto inputs = static_cast<std::size_t>(shape[1]);
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<float>(from[i]) * scale_of(weights.weight_scales, i / inputs);
  return result;
}

Tensor bfloat16_rows(const LinearWeights& weights) {
  if (weights.weight.dtype() == DType::bfloat16) return weights.weight;
  const Tensor floats = float32_rows(weights);
  Tensor result = Tensor::zeros(floats.shape(), DType::bfloat16);
  auto* to = reinterpret_cast<std::uint16_t*>(result.mutable_raw());
  for (const float value : floats.data<float>()) *to++ = float_to_bfloat16(value);
  return result;
}

Tensor float16_rows(const LinearWeights& weights) {
  if (weights.weight.dtype() == DType::float16) return weights.weight;
  const Tensor floats = float32_rows(weights);
  Tensor result = Tensor::zeros(floats.shape(), DType::float16);
  auto* to = reinterpret_cast<std::uint16_t*>(result.mutable_raw());
  for (const float value : floats.data<float>()) {
    const std::uint16_t rounded = float_to_half(value);
    if (std::isfinite(value) && !std::isfinite(half_to_float(rounded)))
      throw Error(ErrorCode::unsupported,
                  "packing the weights of a product: float16 ends at 65504, a weight is " +
                      std::to_string(value),
                  "compute in bfloat16 or float32");
    *to++ = rounded;
  }
  return result;
}

Int8Rows int8_rows(const LinearWeights& weights) {
  const Shape& shape = weights.weight.shape();
  const auto outputs = static_cast<std::size_t>(shape[0]),
             inputs = static_cast<std::size_t>(shape[1]);
  Int8Rows result{weights.weight, std::vector<float>(outputs), {}};
  if (weights.weight.dtype() == DType::int8) {
    for (std::size_t row = 0; row < outputs; ++row)
      result.scales[row] = scale_of(weights.weight_scales, row);
    result.product_scales = product_scales(weights, result.scales);
    return result;
  }
  const Tensor floats = weights.weight.to_float32();
  result.weight = Tensor::zeros(shape, DType::int8);
  const auto to = result.weight.mutable_data<std::int8_t>();
  for (std::size_t row = 0; row < outputs; ++row) {
    const auto from = floats.data<float>().subspan(row * inputs, inputs);
    float maximum = 0;
    for (const float w : from) {
      if (!std::isfinite(w)) refuse("a weight is not finite and cannot become int8");
      maximum = std::max(maximum, std::abs(w));
    }
    const float scale = maximum / 127.0F;
    result.scales[row] = scale;
    if (scale < 1e-37F) continue;  // such weights are zeros; 1 / scale would overflow
    for (std::size_t k = 0; k < inputs; ++k)
      to[row * inputs + k] =
          static_cast<std::int8_t>(std::clamp(std::nearbyintf(from[k] / scale), -127.0F, 127.0F));
  }
  result.product_scales = product_scales(weights, result.scales);
  return result;
}

}  // namespace tandem
