// Products of the cpu backend: how rows and panels are shared between threads.
#include <algorithm>

#include "kernels/cpu/backend.h"

namespace tandem::cpu {
namespace {

// Rows that a task takes at least when the rows are split too: some tiles of 6.
constexpr std::int64_t kMinTaskRows = 24;

// From here on oneDNN is worth its set-up; below, and for int8, own kernels are as fast
// (kernels_bench).
constexpr std::int64_t kOnednnRows = 128;

const CpuPackedLinear& as_cpu(const PackedLinear& weights) {
  const auto* packed = dynamic_cast<const CpuPackedLinear*>(&weights);
  TANDEM_CHECK(packed != nullptr);  // packed by another backend
  return *packed;
}

}  // namespace

std::shared_ptr<const PackedLinear> CpuBackend::pack(const LinearWeights& weights,
                                                     ComputeType type) {
  if (weights.packed == nullptr)
    return std::make_shared<const CpuPackedLinear>(weights, type, weight_memory_);
  TANDEM_CHECK(weights.packed->type == type);
  return std::make_shared<const CpuPackedLinear>(*weights.packed);
}

std::shared_ptr<const PackedLinear> CpuBackend::select_outputs(
    const PackedLinear& weights, std::span<const std::int32_t> columns) {
  return std::make_shared<const CpuPackedLinear>(as_cpu(weights), columns);
}

void CpuBackend::linear(ConstMatrixView x, const PackedLinear& weights,
                        const LinearEpilogue& epilogue, MatrixView out) {
  const CpuPackedLinear& packed = as_cpu(weights);
  TANDEM_DCHECK(x.cols() == packed.inputs() && out.cols() == packed.outputs() &&
                x.rows() == out.rows());
  if (x.rows() == 0 || packed.outputs() == 0) return;
  const bool has_residual = epilogue.residual.rows() > 0;
  const ProductOutput output{.bias = packed.bias(),
                             .residual = has_residual ? epilogue.residual.row<float>(0) : nullptr,
                             .residual_stride = epilogue.residual.stride(),
                             .out = out.row<float>(0),
                             .out_stride = out.stride(),
                             .columns = packed.outputs(),
                             .activation = epilogue.activation};
  if (packed.compute_type() == ComputeType::int8)
    multiply_int8(x, packed, output);
  else if (packed.compute_type() == ComputeType::bfloat16)
    multiply_bfloat16(x, packed, output);
  else if (!onednn_.empty() && x.rows() >= kOnednnRows)
    multiply_onednn(x, packed, output);
  else
    multiply_f32(x, packed, output);
}

// Tasks are panels, in order, so that each thread streams its own part of the weights; with many
// rows they are cut by rows as well, which evens out the shares.
template <class Multiply>
void CpuBackend::split_product(std::int64_t rows, const CpuPackedLinear& weights,
                               const Multiply& multiply) {
  const std::int64_t chunks =
      pool_.size() == 1 ? 1 : std::clamp<std::int64_t>(rows / kMinTaskRows, 1, pool_.size());
  const std::int64_t chunk_rows = (rows + chunks - 1) / chunks;
  const std::int64_t cost = chunk_rows * kPanelColumns * weights.inputs() / 8;  // 8: vector lanes
  split(weights.panels() * chunks, cost, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t row = task % chunks * chunk_rows;
      multiply(task / chunks, row, std::min(rows, row + chunk_rows));
    }
  });
}

void CpuBackend::multiply_f32(ConstMatrixView x, const CpuPackedLinear& weights,
                              const ProductOutput& output) {
  const ProductF32 product{.x = x.row<float>(0),
                           .x_stride = x.stride(),
                           .panels = weights.panels_f32(),
                           .panel_elements = weights.panel_elements(),
                           .inputs = weights.inputs(),
                           .output = output};
  split_product(x.rows(), weights, [&](std::int64_t panel, std::int64_t begin, std::int64_t end) {
    kernels_.product_f32(product, panel, begin, end);
  });
}

void CpuBackend::multiply_bfloat16(ConstMatrixView x, const CpuPackedLinear& weights,
                                   const ProductOutput& output) {
  const ProductBfloat16 product{.x = x.row<float>(0),
                                .x_stride = x.stride(),
                                .panels = weights.panels_bfloat16(),
                                .panel_elements = weights.panel_elements(),
                                .inputs = weights.inputs(),
                                .output = output};
  split_product(x.rows(), weights, [&](std::int64_t panel, std::int64_t begin, std::int64_t end) {
    kernels_.product_bfloat16(product, panel, begin, end);
  });
}

// Sums go to scratch first, because the residual may lie where the output goes.
void CpuBackend::multiply_onednn(ConstMatrixView x, const CpuPackedLinear& weights,
                                 const ProductOutput& output) {
  const std::int64_t columns = output.columns;
  auto* sums = library_sums_.reserve<float>(x.rows() * columns);
  pool_.parallel_for(x.rows(), [&](std::int64_t begin, std::int64_t end, int worker) {
    float* row = sums + begin * columns;
    onednn_[static_cast<std::size_t>(worker)]->run(x.row<float>(begin), x.stride(), end - begin,
                                                   weights, row, columns);
    for (std::int64_t n = begin; n < end; ++n, row += columns) {
      float* out = output.out + n * output.out_stride;
      kernels_.add(row, output.bias, columns, row);
      kernels_.activate(row, output.activation, columns, row);
      kernels_.scale_add(
          row, 1.0F,
          output.residual == nullptr ? nullptr : output.residual + n * output.residual_stride,
          columns, out);
    }
  });
}

void CpuBackend::multiply_int8(ConstMatrixView x, const CpuPackedLinear& weights,
                               const ProductOutput& output) {
  const std::int64_t rows = x.rows(), groups = weights.groups();
  const std::int64_t stride = (groups * kernels_.quantized_group_bytes + 63) / 64 * 64;
  auto* quantized = quantized_.reserve<std::byte>(rows * stride);
  auto* quantized_rows = quantized_rows_.reserve<QuantizedRow>(rows);
  split(rows, x.cols(), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t n = begin; n < end; ++n)
      quantized_rows[n] = kernels_.quantize_row(x.row<float>(n), x.cols(), groups,
                                                weights.activation_scale(), quantized + n * stride);
  });
  const ProductInt8 product{.x = quantized,
                            .x_stride_bytes = stride,
                            .rows = quantized_rows,
                            .panels = weights.panels_int8(),
                            .panel_bytes = weights.panel_elements(),
                            .column_sums = weights.column_sums(),
                            .column_factors = weights.column_factors(),
                            .groups = groups,
                            .output = output};
  split_product(rows, weights, [&](std::int64_t panel, std::int64_t begin, std::int64_t end) {
    kernels_.product_int8(product, panel, begin, end);
  });
}

}  // namespace tandem::cpu
