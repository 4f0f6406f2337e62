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

std::size_t padded_words(std::int64_t outputs, std::int64_t words) {
  return checked_mul(static_cast<std::size_t>(words),
                     static_cast<std::size_t>(padded_outputs(outputs)), "packed weights");
}

// [word][output] from rows [outputs, inputs]; `per_word` elements are one word.
template <class Element>
std::vector<Element> words_from(const Element* rows, std::int64_t outputs, std::int64_t inputs,
                                std::int64_t per_word) {
  const std::int64_t words = (inputs + per_word - 1) / per_word;
  std::vector<Element> packed(checked_mul(padded_words(outputs, words),
                                          static_cast<std::size_t>(per_word), "packed weights"));
  for (std::int64_t output = 0; output < outputs; ++output)
    for (std::int64_t k = 0; k < inputs; ++k) {
      const std::int64_t word = k / per_word * padded_outputs(outputs) + output;
      packed[static_cast<std::size_t>(word * per_word + k % per_word)] = rows[output * inputs + k];
    }
  return packed;
}

std::unique_ptr<Buffer> to_device(DeviceMemory& memory, const void* data, std::size_t bytes) {
  std::unique_ptr<Buffer> buffer = memory.allocate(bytes);
  memory.stream().copy_in(buffer->data(), data, bytes);
  memory.stream().sync();
  return buffer;
}

template <class Element>
std::unique_ptr<Buffer> weights_on_device(DeviceMemory& memory, const Tensor& rows,
                                          std::int64_t per_word) {
  const auto words = words_from(reinterpret_cast<const Element*>(rows.raw()), rows.shape()[0],
                                rows.shape()[1], per_word);
  return to_device(memory, words.data(), words.size() * sizeof(Element));
}

std::unique_ptr<Buffer> padded_on_device(DeviceMemory& memory, std::span<const float> values) {
  std::vector<float> padded(padded_words(static_cast<std::int64_t>(values.size()), 1));
  std::ranges::copy(values, padded.begin());
  return to_device(memory, padded.data(), padded.size() * sizeof(float));
}

template <class Word>
std::unique_ptr<Buffer> select_columns(DeviceMemory& memory, Rows<const Word> from,
                                       std::int64_t words, const std::int32_t* columns,
                                       std::int64_t outputs) {
  std::unique_ptr<Buffer> to = memory.allocate(padded_words(outputs, words) * sizeof(Word));
  SelectColumnsKernel<Word> kernel;
  kernel.elements = {words, padded_outputs(outputs)};
  kernel.outputs = outputs;
  kernel.columns = columns;
  kernel.from = from;
  kernel.to = {static_cast<Word*>(to->data()), padded_outputs(outputs)};
  memory.stream().run(kernel, kernel.elements.grid());
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
    weights_ = weights_on_device<float>(memory, float32_rows(weights), inputs_of_word(type));
  } else if (is_narrow(type)) {
    const Tensor rows =
        type == ComputeType::bfloat16 ? bfloat16_rows(weights) : float16_rows(weights);
    weights_ = weights_on_device<std::uint16_t>(memory, rows, inputs_of_word(type));
  } else if (type == ComputeType::int8) {
    if (inputs_ > std::numeric_limits<std::int32_t>::max() / (127 * 128))
      refuse("int8 sums of " + std::to_string(inputs_) + " inputs do not fit 32 bits");
    const Int8Rows rows = int8_rows(weights);
    weights_ = weights_on_device<std::int8_t>(memory, rows.weight, inputs_of_word(type));
    if (memory.stream().gpu().product_library().found) transpose(memory);
    factors_ = padded_on_device(memory, activation_scale_ == 0 ? rows.scales : rows.product_scales);
  } else {
    refuse("the CUDA backend computes in float32, bfloat16, float16 and int8, not in " +
           std::string(to_string(type)));
  }
  if (!weights.bias.empty())
    bias_ = padded_on_device(memory, weights.bias.to_float32().data<float>());
}

CudaPackedLinear::CudaPackedLinear(DeviceMemory& memory, const CudaPackedLinear& whole,
                                   std::span<const std::int32_t> columns)
    : type_(whole.type_),
      outputs_(static_cast<std::int64_t>(columns.size())),
      inputs_(whole.inputs_),
      activation_scale_(whole.activation_scale_) {
  const std::int32_t* chosen = memory.stream().upload(columns);
  weights_ =
      is_narrow(type_)
          ? select_columns(memory, whole.weights<std::uint16_t>(), words(), chosen, outputs_)
          : select_columns(memory, whole.weights<std::uint32_t>(), words(), chosen, outputs_);
  const auto row_of = [&](const float* row) {
    return Rows<const std::uint32_t>{reinterpret_cast<const std::uint32_t*>(row), 0};
  };
  if (whole.bias_) bias_ = select_columns(memory, row_of(whole.bias()), 1, chosen, outputs_);
  if (whole.factors_)
    factors_ = select_columns(memory, row_of(whole.column_factors()), 1, chosen, outputs_);
}

void CudaPackedLinear::transpose(DeviceMemory& memory) {
  const std::int64_t stride = aligned_stride(inputs_, 1);
  transposed_ = memory.allocate(padded_words(outputs_, stride));
  TransposeKernel kernel;
  kernel.elements = {padded_outputs(outputs_), stride / inputs_of_word(type_)};
  kernel.words = words();
  kernel.from = weights<std::uint32_t>();
  kernel.to = {static_cast<std::uint32_t*>(transposed_->data()), kernel.elements.columns};
  memory.stream().run(kernel, kernel.elements.grid());
}

std::size_t CudaPackedLinear::bytes() const {
  std::size_t bytes = 0;
  for (const auto* buffer : {&weights_, &transposed_, &bias_, &factors_})
    if (*buffer) bytes += (*buffer)->bytes();
  return bytes;
}

PackedParts CudaPackedLinear::parts() const {
  throw Error(ErrorCode::unsupported,
              "storing packed weights: the layout of the CUDA backend has no form for files",
              "convert with the device cpu");
}

}  // namespace tandem::cuda
