#include "kernels/cpu/packed_linear.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/weight_forms.h"

namespace tandem::cpu {
namespace {

// |sum| <= K * 127 * 128 must fit 31 bits.
constexpr std::int64_t kMaxInt8Inputs = 131072;

constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

DType dtype_of(ComputeType type) {
  switch (type) {
    case ComputeType::bfloat16:
      return DType::bfloat16;
    case ComputeType::int8:
      return DType::int8;
    default:
      return DType::float32;
  }
}

std::int64_t input_multiple(ComputeType type) {
  return 64 / static_cast<std::int64_t>(size_of(dtype_of(type)));
}

[[noreturn]] void refuse(ErrorCode code, const std::string& problem, const std::string& hint = "") {
  throw Error(code, "packing the weights of a product: " + problem, hint);
}

void check_part(const Tensor& tensor, const Shape& shape, DType type, const char* what) {
  if (tensor.dtype() != type || !(tensor.shape() == shape))
    refuse(ErrorCode::corrupt, std::string("the ") + what + " should be " +
                                   std::string(to_string(type)) + " " + shape.to_string() +
                                   ", found " + std::string(to_string(tensor.dtype())) + " " +
                                   tensor.shape().to_string());
  if (reinterpret_cast<std::uintptr_t>(tensor.raw()) % 64 != 0)
    refuse(ErrorCode::corrupt, std::string("the ") + what + " are not aligned to 64 bytes");
}

// panel[g * 64 + c] = 4-byte group g of row c: a transposition in blocks of 16 rows, one cache line
// of the panel at a time.
void interleave(std::span<const std::byte* const> rows, std::int64_t row_bytes, std::byte* panel) {
  constexpr std::size_t kGroup = 4, kBlock = 16;
  const std::int64_t whole = row_bytes / 4;
  for (std::size_t first = 0; first < rows.size(); first += kBlock) {
    const std::size_t last = std::min(first + kBlock, rows.size());
    for (std::int64_t g = 0; g < whole; ++g)
      for (std::size_t c = first; c < last; ++c)
        std::memcpy(panel + (static_cast<std::size_t>(g * kPanelColumns) + c) * kGroup,
                    rows[c] + g * 4, kGroup);
    for (std::size_t c = first; c < last && whole * 4 < row_bytes; ++c)
      std::memcpy(panel + (static_cast<std::size_t>(whole * kPanelColumns) + c) * kGroup,
                  rows[c] + whole * 4, static_cast<std::size_t>(row_bytes - whole * 4));
  }
}

}  // namespace

CpuPackedLinear::CpuPackedLinear(const LinearWeights& weights, ComputeType type,
                                 WeightMemory& memory)
    : type_(type) {
  check_linear_weights(weights);
  outputs_ = weights.weight.shape()[0];
  inputs_ = weights.weight.shape()[1];
  check_type();
  if (type == ComputeType::int8) activation_scale_ = weights.activation_scale;
  std::byte* panels = allocate(&memory);
  Tensor source;
  if (type == ComputeType::int8) {
    const Int8Rows rows = int8_rows(weights);
    source = rows.weight;
    std::ranges::copy(rows.scales, column_scales_.mutable_data<float>().begin());
    if (activation_scale_ != 0)
      std::ranges::copy(rows.product_scales, product_scales_.mutable_data<float>().begin());
    const std::int8_t* q = source.data<std::int8_t>().data();
    for (std::int32_t& sum :
         column_sums_.mutable_data<std::int32_t>().first(static_cast<std::size_t>(outputs_)))
      for (std::int64_t k = 0; k < inputs_; ++k) sum += *q++;
  } else {
    source = type == ComputeType::bfloat16 ? bfloat16_rows(weights) : float32_rows(weights);
  }
  std::vector<const std::byte*> rows(static_cast<std::size_t>(outputs_));
  for (std::size_t c = 0; c < rows.size(); ++c)
    rows[c] = source.raw() + c * static_cast<std::size_t>(row_bytes());
  fill_panels(rows, panels);
  if (!weights.bias.empty()) {
    const Tensor bias = weights.bias.to_float32();
    std::ranges::copy(bias.data<float>(), bias_.mutable_data<float>().begin());
  }
}

CpuPackedLinear::CpuPackedLinear(const PackedParts& parts)
    : type_(parts.type),
      outputs_(parts.outputs),
      inputs_(parts.inputs),
      panels_(parts.panels),
      bias_(parts.bias),
      column_scales_(parts.column_scales),
      column_sums_(parts.column_sums),
      product_scales_(parts.product_scales),
      activation_scale_(parts.activation_scale) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (parts.layout != kPanelLayout)
    refuse(ErrorCode::unsupported, "this backend reads the layout \"" + std::string(kPanelLayout) +
                                       "\", found \"" + parts.layout + "\"");
  if (outputs_ < 1 || outputs_ > kMost || inputs_ < 1 || inputs_ > kMost)
    refuse(ErrorCode::corrupt, "a matrix of " + std::to_string(outputs_) + " outputs and " +
                                   std::to_string(inputs_) + " inputs is not possible");
  if (!std::isfinite(activation_scale_) || activation_scale_ < 0)
    refuse(ErrorCode::corrupt, "the activation scale is negative or not finite");
  check_type();
  padded_inputs_ = round_up(inputs_, input_multiple(type_));
  check_part(panels_, {panels(), padded_inputs_, kPanelColumns}, dtype_of(type_), "panels");
  const Shape columns{panels() * kPanelColumns};
  check_part(bias_, columns, DType::float32, "biases");
  if (type_ != ComputeType::int8) return;
  check_part(column_scales_, columns, DType::float32, "scales");
  check_part(column_sums_, columns, DType::int32, "sums");
  if (activation_scale_ != 0)
    check_part(product_scales_, columns, DType::float32, "product scales");
}

CpuPackedLinear::CpuPackedLinear(const CpuPackedLinear& whole,
                                 std::span<const std::int32_t> columns)
    : type_(whole.type_),
      outputs_(static_cast<std::int64_t>(columns.size())),
      inputs_(whole.inputs_),
      activation_scale_(whole.activation_scale_) {
  std::byte* panels = allocate(nullptr);
  const Tensor& source = whole.rows();
  std::vector<const std::byte*> rows(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    TANDEM_CHECK(columns[c] >= 0 && columns[c] < whole.outputs_);
    const auto from = static_cast<std::size_t>(columns[c]);
    rows[c] = source.raw() + from * static_cast<std::size_t>(row_bytes());
    bias_.mutable_data<float>()[c] = whole.bias()[from];
    if (type_ != ComputeType::int8) continue;
    column_scales_.mutable_data<float>()[c] = whole.column_scales_.data<float>()[from];
    if (activation_scale_ != 0)
      product_scales_.mutable_data<float>()[c] = whole.product_scales_.data<float>()[from];
    column_sums_.mutable_data<std::int32_t>()[c] = whole.column_sums()[from];
  }
  fill_panels(rows, panels);
}

std::size_t CpuPackedLinear::bytes() const {
  return panels_.bytes() + bias_.bytes() + column_scales_.bytes() + column_sums_.bytes() +
         product_scales_.bytes();
}

PackedParts CpuPackedLinear::parts() const {
  return {.layout = kPanelLayout,
          .type = type_,
          .outputs = outputs_,
          .inputs = inputs_,
          .panels = panels_,
          .bias = bias_,
          .column_scales = column_scales_,
          .column_sums = column_sums_,
          .product_scales = product_scales_,
          .activation_scale = activation_scale_};
}

void CpuPackedLinear::check_type() const {
  if (type_ != ComputeType::float32 && type_ != ComputeType::bfloat16 && type_ != ComputeType::int8)
    refuse(ErrorCode::unsupported,
           "the cpu backend computes in float32, bfloat16 and int8, not in " +
               std::string(to_string(type_)));
  if (type_ == ComputeType::int8 && inputs_ > kMaxInt8Inputs)
    refuse(ErrorCode::unsupported,
           "int8 sums are exact up to " + std::to_string(kMaxInt8Inputs) + " inputs, found " +
               std::to_string(inputs_),
           "use float32");
}

std::byte* CpuPackedLinear::allocate(WeightMemory* memory) {
  padded_inputs_ = round_up(inputs_, input_multiple(type_));
  const DType type = dtype_of(type_);
  const Shape shape{panels(), padded_inputs_, kPanelColumns};
  std::byte* begin = nullptr;
  if (memory == nullptr) {
    panels_ = Tensor::zeros(shape, type);
    begin = panels_.mutable_raw();
  } else {
    const auto block = memory->zeros(static_cast<std::size_t>(shape.elements()) * size_of(type));
    panels_ = Tensor::borrow(shape, type, block.get(), block);
    begin = block.get();
  }
  const Shape columns{panels() * kPanelColumns};
  bias_ = Tensor::zeros(columns, DType::float32);
  if (type_ != ComputeType::int8) return begin;
  column_scales_ = Tensor::zeros(columns, DType::float32);
  column_sums_ = Tensor::zeros(columns, DType::int32);
  if (activation_scale_ != 0) product_scales_ = Tensor::zeros(columns, DType::float32);
  return begin;
}

void CpuPackedLinear::fill_panels(std::span<const std::byte* const> rows, std::byte* panel) const {
  const std::size_t panel_bytes =
      static_cast<std::size_t>(panel_elements()) * size_of(panels_.dtype());
  for (std::size_t first = 0; first < rows.size(); first += kPanelColumns, panel += panel_bytes)
    interleave(rows.subspan(first, std::min<std::size_t>(kPanelColumns, rows.size() - first)),
               row_bytes(), panel);
}

std::int64_t CpuPackedLinear::row_bytes() const {
  return inputs_ * static_cast<std::int64_t>(size_of(panels_.dtype()));
}

const Tensor& CpuPackedLinear::rows() const {
  std::call_once(rows_made_, [this] {
    Tensor rows = Tensor::zeros({outputs_, inputs_}, panels_.dtype());
    const auto width = static_cast<std::size_t>(row_bytes());
    for (std::int64_t c = 0; c < outputs_; ++c) {
      std::byte* row = rows.mutable_raw() + static_cast<std::size_t>(c) * width;
      const std::byte* panel =
          panels_.raw() +
          static_cast<std::size_t>(c / kPanelColumns * panel_elements()) * size_of(panels_.dtype());
      const std::byte* column = panel + static_cast<std::size_t>(c % kPanelColumns) * 4;
      for (std::size_t at = 0; at < width; at += 4)
        std::memcpy(row + at, column + at * kPanelColumns, std::min<std::size_t>(4, width - at));
    }
    rows_ = rows;
  });
  return rows_;
}

}  // namespace tandem::cpu
