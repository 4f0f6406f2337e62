#include "models/families/ctranslate2_variables.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "models/families/hugging_face.h"
#include "nn/linear.h"

namespace tandem {
namespace {

constexpr float kDefaultInt16Scale = 1000.0F;
constexpr std::string_view kScale = "_scale";

// --- names of revision 1 -----------------------------------------------------------------------

std::string newest_part(std::string_view part, bool decoder) {
  if (part == "w_embs") return "embeddings/weight";
  if (part == "kernel") return "weight";
  if (part == "LayerNorm") return "layer_norm";
  if (part == "dense") return "projection";
  if (part == "conv1d") return "linear_0";
  if (part.starts_with("conv1d_")) return "linear_" + std::string(part.substr(7));
  if (part == "masked_multi_head") return "self_attention";
  if (part == "multi_head") return decoder ? "attention" : "self_attention";
  return std::string(part);
}

std::string newest_name(std::string_view name) {
  constexpr std::string_view kRoot = "transformer/", kEnd = ":0";
  if (name.starts_with(kRoot)) name.remove_prefix(kRoot.size());
  if (name.ends_with(kEnd)) name.remove_suffix(kEnd.size());
  const bool decoder = name.starts_with("decoder/");
  std::string renamed;
  while (true) {
    const std::size_t end = name.find('/');
    renamed += newest_part(name.substr(0, end), decoder);
    if (end == std::string_view::npos) return renamed;
    renamed += '/';
    name.remove_prefix(end + 1);
  }
}

// --- quantised weights -------------------------------------------------------------------------

class Quantised {
 public:
  explicit Quantised(const CTranslate2ModelFile& file) : file_(file) {}

  // `stored` with the scale that belongs to the variable `name`.
  Weight pair(const std::string& name, const Tensor& stored) {
    if (stored.shape().rank() < 2) return {stored, {}};  // a fact, not a weight
    const auto scale = file_.variables.find(name + std::string(kScale));
    const Tensor* found = scale == file_.variables.end() ? nullptr : &scale->second;
    if (stored.dtype() == DType::int8) return pair_int8(name, stored, found);
    if (stored.dtype() == DType::int16) return {dequantised_int16(name, stored, found), {}};
    return {stored, {}};
  }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& what) const {
    throw Error(ErrorCode::corrupt, file_.origin + ": variable " + quote(name) + what);
  }
  float checked_scale(const std::string& name, float scale) const {
    if (scale > 0 && std::isfinite(scale) && std::isfinite(1 / scale)) return scale;
    refuse(name + std::string(kScale), " holds a scale that is not positive");
  }

  Weight pair_int8(const std::string& name, const Tensor& stored, const Tensor* scale) const {
    const std::int64_t rows = stored.shape()[0];
    if (scale == nullptr || scale->dtype() != DType::float32 || scale->shape() != Shape{rows})
      refuse(name + std::string(kScale),
             (scale == nullptr ? std::string(" is missing")
                               : " has type " + std::string(to_string(scale->dtype())) +
                                     " and shape " + scale->shape().to_string()) +
                 "; expected float32 [" + std::to_string(rows) + "], a scale for each row");
    const auto values = stored.data<std::int8_t>();
    if (std::find(values.begin(), values.end(), std::int8_t{-128}) != values.end())
      refuse(name, " holds -128; quantised weights are in [-127, 127]");
    Weight weight{stored, {}};
    for (const float value : scale->data<float>())
      weight.scales.push_back(1 / checked_scale(name, value));
    return weight;
  }

  // Once for all names of the same bytes.
  Tensor dequantised_int16(const std::string& name, const Tensor& stored, const Tensor* scale) {
    Tensor& result = int16_[stored.raw()];
    if (!result.empty()) return result;
    float divisor = kDefaultInt16Scale;
    if (scale != nullptr) {
      if (scale->dtype() != DType::float32 || scale->shape().elements() != 1)
        refuse(name + std::string(kScale),
               " has shape " + scale->shape().to_string() + "; expected a float32 scalar");
      divisor = checked_scale(name, scale->data<float>()[0]);
    }
    result = Tensor::zeros(stored.shape(), DType::float32);
    const auto values = stored.data<std::int16_t>();
    std::transform(values.begin(), values.end(), result.mutable_data<float>().begin(),
                   [&](std::int16_t q) { return static_cast<float>(q) / divisor; });
    return result;
  }

  const CTranslate2ModelFile& file_;
  std::map<const std::byte*, Tensor> int16_;
};

bool is_scale_of_weight(const CTranslate2ModelFile& file, const std::string& name) {
  if (!name.ends_with(kScale)) return false;
  const auto weight = file.variables.find(name.substr(0, name.size() - kScale.size()));
  return weight != file.variables.end() &&
         (weight->second.dtype() == DType::int8 || weight->second.dtype() == DType::int16);
}

}  // namespace

CTranslate2Variables::CTranslate2Variables(CTranslate2ModelFile file)
    : version_(file.version),
      spec_(std::move(file.spec)),
      revision_(file.revision),
      weights_(file.origin) {
  Quantised quantised(file);
  for (const auto& [name, tensor] : file.variables) {
    if (is_scale_of_weight(file, name)) continue;
    weights_.add(revision_ == 1 ? newest_name(name) : name, quantised.pair(name, tensor));
  }
}

bool CTranslate2Variables::contains_scope(const std::string& scope) const {
  const auto first = weights_.all().lower_bound(scope);
  return first != weights_.all().end() && first->first.starts_with(scope);
}

// --- facts -------------------------------------------------------------------------------------

const Tensor* CTranslate2Variables::scalar(const std::string& name) {
  const Weight* found = weights_.take_if_present(name, {});
  return found == nullptr ? nullptr : &found->tensor;
}

std::optional<double> CTranslate2Variables::number(const std::string& name) {
  const Tensor* tensor = scalar(name);
  if (tensor == nullptr) return std::nullopt;
  switch (tensor->dtype()) {
    case DType::int8:
      return tensor->data<std::int8_t>()[0];
    case DType::int16:
      return tensor->data<std::int16_t>()[0];
    case DType::int32:
      return tensor->data<std::int32_t>()[0];
    default:
      return tensor->to_float32().data<float>()[0];
  }
}

std::optional<std::int64_t> CTranslate2Variables::integer(const std::string& name) {
  const std::optional<double> value = number(name);
  if (!value) return std::nullopt;
  if (*value != std::trunc(*value) || std::abs(*value) > 1e9)
    throw Error(ErrorCode::corrupt, origin() + ": variable " + quote(name) + " is " +
                                        std::to_string(*value) + ", expected a whole number");
  return static_cast<std::int64_t>(*value);
}

bool CTranslate2Variables::flag(const std::string& name, bool fallback) {
  return integer(name).value_or(fallback ? 1 : 0) != 0;
}

std::optional<std::string> CTranslate2Variables::text(const std::string& name) {
  const Weight* found = weights_.take_if_present(name, {-1});
  if (found == nullptr) return std::nullopt;
  if (found->tensor.dtype() != DType::int8)
    throw Error(ErrorCode::corrupt, origin() + ": variable " + quote(name) + " has type " +
                                        std::string(to_string(found->tensor.dtype())) +
                                        ", expected the characters of a string as int8");
  const auto characters = found->tensor.data<std::int8_t>();
  return std::string(reinterpret_cast<const char*>(characters.data()), characters.size());
}

std::optional<std::int64_t> CTranslate2Variables::integer_of(const std::string& side,
                                                             const std::string& name) {
  return contains(side + "/" + name) ? integer(side + "/" + name) : integer(name);
}

// --- weights -----------------------------------------------------------------------------------

const Weight& CTranslate2Variables::take_matrix(const std::string& name,
                                                std::initializer_list<std::int64_t> shape) {
  const Weight& stored = weights_.take(name, shape);
  if (stored.tensor.dtype() != DType::int32) return stored;
  throw Error(ErrorCode::unsupported, origin() + ": variable " + quote(name) +
                                          " is int32; expected float32, float16, bfloat16, int16 "
                                          "or int8 weights, not 4-bit ones (AWQ)");
}

LinearWeights CTranslate2Variables::linear(const std::string& name, std::int64_t outputs,
                                           std::int64_t inputs) {
  const Weight& stored = take_matrix(name + "/weight", {outputs, inputs});
  LinearWeights linear;
  linear.weight = stored.scales.empty() ? stored.tensor.to_float32() : stored.tensor;
  linear.weight_scales = stored.scales;
  if (contains(name + "/bias")) linear.bias = floats(name + "/bias", {linear.weight.shape()[0]});
  return linear;
}

Tensor CTranslate2Variables::table(const std::string& name, std::int64_t dim) {
  const Weight& stored = take_matrix(name + "/weight", {-1, dim});
  Tensor& table = tables_[stored.tensor.raw()];
  if (table.empty()) table = dequantize(stored.tensor, stored.scales);
  return table;
}

Tensor CTranslate2Variables::floats(const std::string& name,
                                    std::initializer_list<std::int64_t> shape) {
  return take_float(weights_, name, shape);
}

NormWeights CTranslate2Variables::norm(const std::string& name, std::int64_t dim) {
  NormWeights norm{floats(name + "/gamma", {dim}), {}};
  if (contains(name + "/beta")) norm.bias = floats(name + "/beta", {dim});
  return norm;
}

}  // namespace tandem
