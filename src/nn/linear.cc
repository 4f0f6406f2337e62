#include "nn/linear.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <tandem/error.h>

#include "base/check.h"

namespace tandem {
namespace {

void check_stackable(const LinearWeights& first, const LinearWeights& part,
                     const std::string& what) {
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    throw Error(ErrorCode::corrupt, what + ": tensors that share an input must agree; found " +
                                        found + ", expected " + expected);
  };
  if (part.weight.shape()[1] != first.weight.shape()[1])
    refuse("width " + std::to_string(part.weight.shape()[1]),
           std::to_string(first.weight.shape()[1]));
  if (part.weight.dtype() != first.weight.dtype())
    refuse(std::string(to_string(part.weight.dtype())),
           std::string(to_string(first.weight.dtype())));
  if (part.activation_scale != first.activation_scale)
    refuse("activation multiplier " + std::to_string(part.activation_scale),
           std::to_string(first.activation_scale));
  if (part.product_scales.empty() != first.product_scales.empty())
    refuse("product scales for some of them", "them for all or none");
}

// Scales for each of `rows` outputs; one may stand for all.
void append_scales(const std::vector<float>& scales, std::int64_t rows, std::vector<float>& all) {
  if (scales.size() == 1)
    all.insert(all.end(), static_cast<std::size_t>(rows), scales[0]);
  else
    all.insert(all.end(), scales.begin(), scales.end());
}

}  // namespace

Linear::Linear(Backend& backend, const LinearWeights& weights, ComputeType type)
    : packed_(backend.pack(weights, type)) {}

LinearWeights stack_outputs(std::span<const LinearWeights* const> parts, const std::string& what) {
  TANDEM_CHECK(!parts.empty());
  const LinearWeights& first = *parts.front();
  if (first.packed != nullptr) return first;
  std::int64_t outputs = 0;
  bool has_bias = false;
  for (const LinearWeights* part : parts) {
    check_stackable(first, *part, what);
    outputs += part->weight.shape()[0];
    has_bias = has_bias || !part->bias.empty();
  }

  LinearWeights stacked;
  stacked.activation_scale = first.activation_scale;
  stacked.weight = Tensor::zeros({outputs, first.weight.shape()[1]}, first.weight.dtype());
  if (has_bias) stacked.bias = Tensor::zeros({outputs}, DType::float32);
  std::byte* weight_end = stacked.weight.mutable_raw();
  std::int64_t row = 0;
  for (const LinearWeights* part : parts) {
    const std::int64_t rows = part->weight.shape()[0];
    weight_end = std::copy_n(part->weight.raw(), part->weight.bytes(), weight_end);
    if (!part->bias.empty())
      std::ranges::copy(part->bias.data<float>(), stacked.bias.mutable_data<float>().begin() + row);
    append_scales(part->weight_scales, rows, stacked.weight_scales);
    append_scales(part->product_scales, rows, stacked.product_scales);
    row += rows;
  }
  return stacked;
}

Tensor dequantize(const Tensor& weight, std::span<const float> scales) {
  if (scales.empty()) return weight.to_float32();
  const std::int64_t rows = weight.shape()[0];
  TANDEM_CHECK(scales.size() == 1 || scales.size() == static_cast<std::size_t>(rows));
  Tensor result = Tensor::zeros(weight.shape(), DType::float32);
  const auto columns = static_cast<std::size_t>(rows == 0 ? 0 : weight.shape().elements() / rows);
  const auto from = weight.data<std::int8_t>();
  const auto to = result.mutable_data<float>();
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<float>(from[i]) * (scales.size() == 1 ? scales[0] : scales[i / columns]);
  return result;
}

}  // namespace tandem
