#include "kernels/cpu/packed_linear.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/weight_forms.h"

namespace tandem::cpu {
namespace {

// |sum| <= K * 127 * 128 must fit 31 bits.
constexpr std::int64_t kMaxInt8Inputs = 131072;

constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::string name_of(ComputeType type) {
  switch (type) {
    case ComputeType::bfloat16:
      return "bfloat16";
    case ComputeType::float16:
      return "float16";
    default:
      return "an automatic type";
  }
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

CpuPackedLinear::CpuPackedLinear(const LinearWeights& weights, ComputeType type) : type_(type) {
  check_linear_weights(weights);
  if (type != ComputeType::float32 && type != ComputeType::int8)
    throw Error(
        ErrorCode::unsupported,
        "packing the weights of a product: the cpu backend computes in float32 and int8, not in " +
            name_of(type));
  outputs_ = weights.weight.shape()[0];
  inputs_ = weights.weight.shape()[1];
  if (type == ComputeType::int8 && inputs_ > kMaxInt8Inputs)
    throw Error(ErrorCode::unsupported,
                "packing the weights of a product: int8 sums are exact up to " +
                    std::to_string(kMaxInt8Inputs) + " inputs, found " + std::to_string(inputs_),
                "use float32");
  allocate();
  Tensor source;
  if (type == ComputeType::int8) {
    const Int8Rows rows = int8_rows(weights);
    source = rows.weight;
    std::copy(rows.scales.begin(), rows.scales.end(), column_scales_.begin());
    const std::int8_t* q = source.data<std::int8_t>().data();
    for (std::size_t c = 0; c < static_cast<std::size_t>(outputs_); ++c, q += inputs_) {
      for (std::int64_t k = 0; k < inputs_; ++k) column_sums_[c] += q[k];
    }
    activation_scale_ = weights.activation_scale;
  } else {
    source = float32_rows(weights);
  }
  std::vector<const std::byte*> rows(static_cast<std::size_t>(outputs_));
  for (std::size_t c = 0; c < rows.size(); ++c)
    rows[c] = source.raw() + c * static_cast<std::size_t>(row_bytes());
  fill_panels(rows);
  if (!weights.bias.empty()) {
    const Tensor bias = weights.bias.to_float32();
    std::copy(bias.data<float>().begin(), bias.data<float>().end(), bias_.begin());
  }
}

CpuPackedLinear::CpuPackedLinear(const CpuPackedLinear& whole,
                                 std::span<const std::int32_t> columns)
    : type_(whole.type_),
      outputs_(static_cast<std::int64_t>(columns.size())),
      inputs_(whole.inputs_) {
  allocate();
  const Tensor& source = whole.rows();
  std::vector<const std::byte*> rows(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    TANDEM_CHECK(columns[c] >= 0 && columns[c] < whole.outputs_);
    const auto from = static_cast<std::size_t>(columns[c]);
    rows[c] = source.raw() + from * static_cast<std::size_t>(row_bytes());
    bias_[c] = whole.bias_[from];
    if (type_ != ComputeType::int8) continue;
    column_scales_[c] = whole.column_scales_[from];
    column_sums_[c] = whole.column_sums_[from];
  }
  fill_panels(rows);
  activation_scale_ = whole.activation_scale_;
}

std::size_t CpuPackedLinear::bytes() const {
  return panels_.bytes() + (bias_.size() + column_scales_.size() + column_sums_.size()) * 4;
}

void CpuPackedLinear::allocate() {
  const bool is_int8 = type_ == ComputeType::int8;
  padded_inputs_ = round_up(inputs_, is_int8 ? 64 : 16);
  panels_ = Tensor::zeros({panels(), padded_inputs_, kPanelColumns},
                          is_int8 ? DType::int8 : DType::float32);
  const auto columns = static_cast<std::size_t>(panels() * kPanelColumns);
  bias_.resize(columns);
  if (!is_int8) return;
  column_scales_.resize(columns);
  column_sums_.resize(columns);
}

void CpuPackedLinear::fill_panels(std::span<const std::byte* const> rows) {
  const std::size_t panel_bytes =
      static_cast<std::size_t>(panel_elements()) * size_of(panels_.dtype());
  std::byte* panel = panels_.mutable_raw();
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
