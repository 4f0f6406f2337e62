#include "models/packed/panels.h"

#include <algorithm>
#include <cstdint>

#include <tandem/error.h>

#include "base/quote.h"
#include "models/packed/format.h"

namespace tandem {
namespace {

constexpr const char* kLayout = "cpu-panels-64";
constexpr std::int64_t kColumns = 64;    // outputs of a panel
constexpr std::int64_t kGroupBytes = 4;  // of one output that lie together

// [panel][group of inputs][64 outputs][inputs of a group] to [outputs][inputs].
template <class T>
Tensor plain_rows(const PackedParts& parts) {
  constexpr auto kGroup = kGroupBytes / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t padded_inputs = parts.panels.shape()[1];
  const auto* panels = reinterpret_cast<const T*>(parts.panels.raw());
  Tensor rows = Tensor::zeros({parts.outputs, parts.inputs}, parts.panels.dtype());
  auto* to = reinterpret_cast<T*>(rows.mutable_raw());
  for (std::int64_t n = 0; n < parts.outputs; ++n) {
    const T* column = panels + n / kColumns * padded_inputs * kColumns + n % kColumns * kGroup;
    for (std::int64_t k = 0; k < parts.inputs; ++k)
      *to++ = column[k / kGroup * kColumns * kGroup + k % kGroup];
  }
  return rows;
}

}  // namespace

LinearWeights unpack_panels(const PackedParts& parts) {
  if (parts.layout != kLayout)
    throw Error(ErrorCode::unsupported,
                "unpacking weights: the layout is " + quote(parts.layout) + "; expected " + kLayout,
                kConvertAgain);
  LinearWeights weights;
  const auto outputs = static_cast<std::size_t>(parts.outputs);
  weights.bias = Tensor::zeros({parts.outputs}, DType::float32);
  std::ranges::copy(parts.bias.data<float>().first(outputs),
                    weights.bias.mutable_data<float>().begin());
  switch (parts.type) {
    case ComputeType::int8: {
      const auto scales = parts.column_scales.data<float>().first(outputs);
      weights.weight = plain_rows<std::int8_t>(parts);
      weights.weight_scales.assign(scales.begin(), scales.end());
      weights.activation_scale = parts.activation_scale;
      if (parts.activation_scale != 0) {
        const auto products = parts.product_scales.data<float>().first(outputs);
        weights.product_scales.assign(products.begin(), products.end());
      }
      break;
    }
    case ComputeType::bfloat16:
      weights.weight = plain_rows<std::uint16_t>(parts).to_float32();
      break;
    default:
      weights.weight = plain_rows<float>(parts);
      break;
  }
  return weights;
}

}  // namespace tandem
