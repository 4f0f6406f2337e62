#include "kernels/cuda/packed_linear.h"

#include <limits>
#include <string>
#include <vector>

#include "base/checked_math.h"
#include "kernels/weight_forms.h"

namespace tandem::cuda {
namespace {

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(ErrorCode::unsupported, "packing the weights of a product: " + problem);
}

std::int64_t inputs_of_word(ComputeType type) {
  return type == ComputeType::int8 ? 4 : 1;
}

std::size_t panel_words(std::int64_t outputs, std::int64_t words) {
  return checked_mul(
      static_cast<std::size_t>(words),
      static_cast<std::size_t>(panels_of(outputs)) * static_cast<std::size_t>(kPanelColumns),
      "packed weights");
}

// Panels from rows [outputs, inputs]; `per_word` elements are one word.
template <class Element>
std::vector<Element> panels_from(const Element* rows, std::int64_t outputs, std::int64_t inputs,
                                 std::int64_t per_word) {
  const std::int64_t words = (inputs + per_word - 1) / per_word;
  std::vector<Element> panels(checked_mul(panel_words(outputs, words),
                                          static_cast<std::size_t>(per_word), "packed weights"));
  for (std::int64_t output = 0; output < outputs; ++output)
    for (std::int64_t k = 0; k < inputs; ++k) {
      const std::int64_t line = output / kPanelColumns * words + k / per_word;
      const std::int64_t word = line * kPanelColumns + output % kPanelColumns;
      panels[static_cast<std::size_t>(word * per_word + k % per_word)] = rows[output * inputs + k];
    }
  return panels;
}

std::unique_ptr<Buffer> to_device(DeviceMemory& memory, const void* data, std::size_t bytes) {
  std::unique_ptr<Buffer> buffer = memory.allocate(bytes);
  memory.gpu().copy_in(buffer->data(), data, bytes);
  memory.gpu().sync();
  return buffer;
}

template <class Element>
std::unique_ptr<Buffer> panels_on_device(DeviceMemory& memory, const Tensor& rows,
                                         std::int64_t per_word) {
  const auto panels = panels_from(reinterpret_cast<const Element*>(rows.raw()), rows.shape()[0],
                                  rows.shape()[1], per_word);
  return to_device(memory, panels.data(), panels.size() * sizeof(Element));
}

std::unique_ptr<Buffer> padded_on_device(DeviceMemory& memory, std::span<const float> values) {
  std::vector<float> padded(panel_words(static_cast<std::int64_t>(values.size()), 1));
  std::ranges::copy(values, padded.begin());
  return to_device(memory, padded.data(), padded.size() * sizeof(float));
}

template <class Word>
std::unique_ptr<Buffer> select_columns(DeviceMemory& memory, Buffer& from, std::int64_t words,
                                       const std::int32_t* columns, std::int64_t outputs) {
  std::unique_ptr<Buffer> to = memory.allocate(panel_words(outputs, words) * sizeof(Word));
  SelectColumnsKernel<Word> kernel;
  kernel.elements = {panels_of(outputs) * words, kPanelColumns};
  kernel.words = words;
  kernel.outputs = outputs;
  kernel.columns = columns;
  kernel.from = static_cast<const Word*>(from.data());
  kernel.to = static_cast<Word*>(to->data());
  memory.gpu().run(kernel, kernel.elements.grid());
  return to;
}

}  // namespace

CudaPackedLinear::CudaPackedLinear(DeviceMemory& memory, const LinearWeights& weights,
                                   ComputeType type)
    : type_(type), activation_scale_(weights.activation_scale) {
  if (weights.packed != nullptr)
    refuse("the layout \"" + weights.packed->layout +
           "\" is not one of the CUDA backend; load the model that it was converted from");
  check_linear_weights(weights);
  outputs_ = weights.weight.shape()[0];
  inputs_ = weights.weight.shape()[1];
  if (type == ComputeType::float32) {
    panels_ = panels_on_device<float>(memory, float32_rows(weights), inputs_of_word(type));
  } else if (type == ComputeType::bfloat16) {
    panels_ = panels_on_device<std::uint16_t>(memory, bfloat16_rows(weights), inputs_of_word(type));
  } else if (type == ComputeType::int8) {
    if (inputs_ > std::numeric_limits<std::int32_t>::max() / (127 * 128))
      refuse("int8 sums of " + std::to_string(inputs_) + " inputs do not fit 32 bits");
    const Int8Rows rows = int8_rows(weights);
    panels_ = panels_on_device<std::int8_t>(memory, rows.weight, inputs_of_word(type));
    factors_ = padded_on_device(memory, activation_scale_ == 0 ? rows.scales : rows.product_scales);
  } else {
    refuse("the CUDA backend computes in float32, bfloat16 and int8, not in " +
           std::string(to_string(type)));
  }
  if (!weights.bias.empty())
    bias_ = padded_on_device(memory, weights.bias.to_float32().data<float>());
}

CudaPackedLinear::CudaPackedLinear(DeviceMemory& memory, Uploads& uploads,
                                   const CudaPackedLinear& whole,
                                   std::span<const std::int32_t> columns)
    : type_(whole.type_),
      outputs_(static_cast<std::int64_t>(columns.size())),
      inputs_(whole.inputs_),
      activation_scale_(whole.activation_scale_) {
  const std::int32_t* chosen = uploads.upload(columns);
  uploads.flush();
  panels_ = type_ == ComputeType::bfloat16
                ? select_columns<std::uint16_t>(memory, *whole.panels_, words(), chosen, outputs_)
                : select_columns<std::uint32_t>(memory, *whole.panels_, words(), chosen, outputs_);
  if (whole.bias_) bias_ = select_columns<std::uint32_t>(memory, *whole.bias_, 1, chosen, outputs_);
  if (whole.factors_)
    factors_ = select_columns<std::uint32_t>(memory, *whole.factors_, 1, chosen, outputs_);
}

std::size_t CudaPackedLinear::bytes() const {
  return panels_->bytes() + (bias_ ? bias_->bytes() : 0) + (factors_ ? factors_->bytes() : 0);
}

PackedParts CudaPackedLinear::parts() const {
  throw Error(ErrorCode::unsupported,
              "storing packed weights: the layout of the CUDA backend has no form for files",
              "convert with the device cpu");
}

}  // namespace tandem::cuda
