// Weights of the cpu backend: panels of 64 output columns.
//
//   float32   [panel][input][64 columns]              the layout oneDNN calls BA16a64b
//   bfloat16  [panel][pair of inputs][64 columns][2]                         BA16a64b2a
//   int8      [panel][group of 4 inputs][64 columns][4]                      BA16a64b4a
//
// Outputs are padded with zeros to a multiple of 64, inputs to 16 (float32), 32 (bfloat16) or 64
// (int8). A product reads a panel from front to back, one or several whole cache lines at each
// step. Every instruction set reads the same bytes, so that a file of panels runs on all of them.
// Immutable, so any number of threads may use one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "kernels/backend.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/weight_memory.h"

namespace tandem::cpu {

// PackedParts::layout of these panels. To be changed with any of the above.
inline constexpr const char* kPanelLayout = "cpu-panels-64";

class CpuPackedLinear final : public PackedLinear {
 public:
  // Throws Error{corrupt} for weights that contradict themselves and Error{unsupported} for a type
  // other than float32, bfloat16 and int8, or more inputs than exact 32-bit sums allow.
  CpuPackedLinear(const LinearWeights& weights, ComputeType type, WeightMemory& memory);
  // Weights that are in panels already, without a copy and without reading them: cost is constant.
  // Throws Error{corrupt} where tensors are not what the layout says, Error{unsupported} for
  // another layout.
  explicit CpuPackedLinear(const PackedParts& parts);
  // The outputs `columns` of `whole`. The first call for a matrix makes a second copy of it, row by
  // row, from which this one and the later ones gather whole rows; see rows().
  CpuPackedLinear(const CpuPackedLinear& whole, std::span<const std::int32_t> columns);

  std::int64_t outputs() const override { return outputs_; }
  std::int64_t inputs() const override { return inputs_; }
  ComputeType compute_type() const override { return type_; }
  std::size_t bytes() const override;
  PackedParts parts() const override;

  std::int64_t panels() const { return (outputs_ + kPanelColumns - 1) / kPanelColumns; }
  std::int64_t groups() const { return (inputs_ + 3) / 4; }  // int8: groups of 4 inputs
  std::int64_t padded_inputs() const { return padded_inputs_; }

  const float* panels_f32() const { return panels_.data<float>().data(); }
  const std::uint16_t* panels_bfloat16() const {
    return reinterpret_cast<const std::uint16_t*>(panels_.raw());
  }
  const std::int8_t* panels_int8() const { return panels_.data<std::int8_t>().data(); }
  std::int64_t panel_elements() const { return padded_inputs_ * kPanelColumns; }

  // For each packed column, padding included.
  const float* bias() const { return bias_.data<float>().data(); }
  // int8: what the sums of a column are multiplied by, besides the factor of their row.
  const float* column_factors() const {
    return (activation_scale_ == 0 ? column_scales_ : product_scales_).data<float>().data();
  }
  const std::int32_t* column_sums() const { return column_sums_.data<std::int32_t>().data(); }
  float activation_scale() const { return activation_scale_; }

 private:
  void check_type() const;
  // Makes all parts, zeros as yet; returns the panels. `memory`: null for small weights that live
  // briefly.
  std::byte* allocate(WeightMemory* memory);
  void fill_panels(std::span<const std::byte* const> rows, std::byte* panel) const;
  std::int64_t row_bytes() const;
  // The weights row by row (output-major), made on first use: a strided read of 1,000 columns from
  // panels costs a cache line for every 4 bytes, a row of this copy is contiguous.
  const Tensor& rows() const;

  ComputeType type_;
  std::int64_t outputs_ = 0, inputs_ = 0, padded_inputs_ = 0;
  Tensor panels_;
  Tensor bias_;
  Tensor column_scales_, column_sums_;  // int8 only
  Tensor product_scales_;               // int8 with an activation scale only
  float activation_scale_ = 0;

  mutable std::once_flag rows_made_;
  mutable Tensor rows_;
};

}  // namespace tandem::cpu
