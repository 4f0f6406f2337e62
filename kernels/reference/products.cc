// Products of the reference backend: float32 in double, bfloat16 and float16 likewise on the rounded
// weights, int8 as intgemm's formula says, literally.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference/reference_backend.h"
#include "kernels/weight_forms.h"

namespace tandem {
namespace {

class ReferencePackedLinear final : public PackedLinear {
 public:
  ReferencePackedLinear(const LinearWeights& weights, ComputeType type) : type_(type) {
    if (weights.packed != nullptr) refuse_packed();
    check_linear_weights(weights);
    if (type == ComputeType::int8) {
      Int8Rows rows = int8_rows(weights);
      weight_ = rows.weight;
      factors_ = std::move(weights.activation_scale == 0 ? rows.scales : rows.product_scales);
      activation_scale_ = weights.activation_scale;
    } else if (type == ComputeType::float32) {
      weight_ = float32_rows(weights);
    } else if (type == ComputeType::bfloat16) {
      weight_ = bfloat16_rows(weights).to_float32();
    } else if (type == ComputeType::float16) {
      weight_ = float16_rows(weights).to_float32();
    } else {
      throw Error(ErrorCode::unsupported,
                  "packing the weights of a product: the reference backend computes in float32, "
                  "bfloat16, float16 and int8");
    }
    if (!weights.bias.empty()) bias_ = weights.bias.to_float32();
  }

  ReferencePackedLinear(const ReferencePackedLinear& whole, std::span<const std::int32_t> columns)
      : type_(whole.type_), activation_scale_(whole.activation_scale_) {
    const auto outputs = static_cast<std::int64_t>(columns.size());
    weight_ = Tensor::zeros({outputs, whole.inputs()}, whole.weight_.dtype());
    if (!whole.bias_.empty()) bias_ = Tensor::zeros({outputs}, DType::float32);
    const std::size_t width = static_cast<std::size_t>(inputs()) * size_of(weight_.dtype());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto from = static_cast<std::size_t>(columns[c]);
      std::copy_n(whole.weight_.raw() + from * width, width, weight_.mutable_raw() + c * width);
      if (!bias_.empty()) bias_.mutable_data<float>()[c] = whole.bias_.data<float>()[from];
      if (!whole.factors_.empty()) factors_.push_back(whole.factors_[from]);
    }
  }

  std::int64_t outputs() const override { return weight_.shape()[0]; }
  std::int64_t inputs() const override { return weight_.shape()[1]; }
  ComputeType compute_type() const override { return type_; }
  std::size_t bytes() const override { return weight_.bytes() + bias_.bytes(); }
  PackedParts parts() const override { refuse_packed(); }

  template <class T>
  const T* row(std::int64_t column) const {
    return weight_.data<T>().data() + column * inputs();
  }
  // What the sums of a column are multiplied by, besides the factor of their row.
  float factor(std::int64_t column) const { return factors_[static_cast<std::size_t>(column)]; }
  float bias(std::int64_t column) const {
    return bias_.empty() ? 0.0F : bias_.data<float>()[static_cast<std::size_t>(column)];
  }
  float activation_scale() const { return activation_scale_; }

 private:
  [[noreturn]] static void refuse_packed() {
    throw Error(ErrorCode::unsupported,
                "packing the weights of a product: the reference backend has no layout for files");
  }

  ComputeType type_;
  Tensor weight_, bias_;
  std::vector<float> factors_;
  float activation_scale_ = 0;
};

struct QuantizedRow {
  std::vector<std::int32_t> steps;
  float factor;
};

// A row with a NaN or an infinity has no scale: its products are NaN. A row below 1e-30 counts as
// zeros.
QuantizedRow quantize(const float* x, std::int64_t inputs, float fixed_scale) {
  QuantizedRow row{std::vector<std::int32_t>(static_cast<std::size_t>(inputs)), 1.0F};
  float maximum = 0;
  for (std::int64_t k = 0; k < inputs; ++k) {
    if (!std::isfinite(x[k])) {
      row.factor = std::numeric_limits<float>::quiet_NaN();
      return row;
    }
    maximum = std::max(maximum, std::abs(x[k]));
  }
  if (fixed_scale == 0 && maximum < 1e-30F) return row;
  const float scale = fixed_scale != 0 ? fixed_scale : 127.0F / maximum;
  row.factor = fixed_scale != 0 ? 1.0F : 1.0F / scale;  // product scales hold a fixed one
  for (std::int64_t k = 0; k < inputs; ++k)
    row.steps[static_cast<std::size_t>(k)] =
        static_cast<std::int32_t>(std::clamp(std::nearbyintf(x[k] * scale), -127.0F, 127.0F));
  return row;
}

}  // namespace

std::shared_ptr<const PackedLinear> ReferenceBackend::pack(const LinearWeights& weights,
                                                           ComputeType type) {
  return std::make_shared<const ReferencePackedLinear>(weights, type);
}

std::shared_ptr<const PackedLinear> ReferenceBackend::select_outputs(
    const PackedLinear& weights, std::span<const std::int32_t> columns) {
  return std::make_shared<const ReferencePackedLinear>(
      dynamic_cast<const ReferencePackedLinear&>(weights), columns);
}

void ReferenceBackend::linear(ConstMatrixView x, const PackedLinear& weights,
                              const LinearEpilogue& epilogue, MatrixView out) {
  const auto& packed = dynamic_cast<const ReferencePackedLinear&>(weights);
  const bool is_int8 = packed.compute_type() == ComputeType::int8;
  for (std::int64_t n = 0; n < x.rows(); ++n) {
    const float* row = x.row<float>(n);
    QuantizedRow quantized{};
    if (is_int8) quantized = quantize(row, x.cols(), packed.activation_scale());
    for (std::int64_t c = 0; c < packed.outputs(); ++c) {
      double y = 0;
      if (is_int8) {
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < x.cols(); ++k)
          sum += quantized.steps[static_cast<std::size_t>(k)] * packed.row<std::int8_t>(c)[k];
        // float32 from here on: one multiplication and one addition are part of the definition.
        y = static_cast<float>(sum) * (quantized.factor * packed.factor(c)) + packed.bias(c);
      } else {
        for (std::int64_t k = 0; k < x.cols(); ++k) y += double{row[k]} * packed.row<float>(c)[k];
        y += packed.bias(c);
      }
      y = reference_activation(y, epilogue.activation);
      if (epilogue.residual.rows() > 0) y += epilogue.residual.row<float>(n)[c];
      out.row<float>(n)[c] = static_cast<float>(y);
    }
  }
}

}  // namespace tandem
