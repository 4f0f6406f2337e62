#include "models/readers/marian_model_file.h"

#include <cmath>
#include <cstring>
#include <string_view>

#include <tandem/error.h>

#include "base/quote.h"
#include "models/readers/stored_tensor.h"

namespace tandem {
namespace {

constexpr std::string_view kYamlName = "special:model.yml";
constexpr std::string_view kMultiplierSuffix = "_QuantMultA";

[[noreturn]] void throw_corrupt(const MarianModelFile& model, const std::string& name,
                                const std::string& problem) {
  throw Error(ErrorCode::corrupt,
              model.weights.origin() + ": tensor " + quote(name) + " " + problem);
}

bool is_multiplier(std::string_view name) {
  return name.size() > kMultiplierSuffix.size() &&
         name.substr(name.size() - kMultiplierSuffix.size()) == kMultiplierSuffix;
}

// The text ends at its first NUL; what follows is padding of the container.
void set_yaml(MarianModelFile& model, const std::string& name, const Tensor& tensor) {
  if (!model.model_yaml.empty()) throw_corrupt(model, name, "occurs twice");
  if (size_of(tensor.dtype()) != 1) throw_corrupt(model, name, "should hold bytes");
  const auto* text = reinterpret_cast<const char*>(tensor.raw());
  model.model_yaml.assign(text, ::strnlen(text, tensor.bytes()));
}

void add_multiplier(MarianModelFile& model, const std::string& name, const Tensor& tensor) {
  if (tensor.shape().elements() != 1)
    throw_corrupt(model, name, "has shape " + tensor.shape().to_string() + ", expected one number");
  const float value = tensor.to_float32().data<float>()[0];
  if (!(value > 0) || !std::isfinite(value))
    throw_corrupt(model, name, "should be a positive multiplier");
  const std::string matrix = name.substr(0, name.size() - kMultiplierSuffix.size());
  if (!model.activation_multipliers.emplace(matrix, value).second)
    throw_corrupt(model, name, "occurs twice");
}

// Marian's vectors are [1, n]; NumPy files may hold them as [n], and scalars without an axis.
Tensor as_matrix(const Tensor& tensor) {
  if (tensor.shape().rank() >= 2) return tensor;
  return tensor.reshaped({1, tensor.shape().elements()});
}

}  // namespace

void add_marian_tensor(MarianModelFile& model, const std::string& name, const Tensor& tensor) {
  if (name == kYamlName) return set_yaml(model, name, tensor);
  if (tensor.shape().elements() == 0) throw_corrupt(model, name, "is empty");
  if (!all_finite(tensor)) throw_corrupt(model, name, "holds a NaN or an infinity");
  if (is_multiplier(name)) return add_multiplier(model, name, tensor);
  model.weights.add(name, {as_matrix(tensor), {}});
}

void check_marian_model(const MarianModelFile& model) {
  if (model.model_yaml.empty())
    throw Error(ErrorCode::corrupt, model.weights.origin() + ": " + std::string(kYamlName) +
                                        ", which describes the architecture, is missing");
}

}  // namespace tandem
