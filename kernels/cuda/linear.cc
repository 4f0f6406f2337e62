// Products of the CUDA backend: which kernel runs, and the int8 steps of the inputs.
#include <memory>

#include "kernels/cuda/cuda_backend.h"

namespace tandem::cuda {
namespace {

// Up to here reading all weights once for 4 rows costs less than filling tiles of 64 rows.
constexpr std::int64_t kMostFewRows = 16;

}  // namespace

std::shared_ptr<const PackedLinear> CudaBackend::pack(const LinearWeights& weights,
                                                      ComputeType type) {
  return std::make_shared<const CudaPackedLinear>(*memory_, weights, type);
}

std::shared_ptr<const PackedLinear> CudaBackend::select_outputs(
    const PackedLinear& weights, std::span<const std::int32_t> columns) {
  uploads_.begin();
  return std::make_shared<const CudaPackedLinear>(
      *memory_, uploads_, dynamic_cast<const CudaPackedLinear&>(weights), columns);
}

template <class Product>
void CudaBackend::multiply_rows(Rows<const typename Product::Input> x, std::int64_t rows,
                                const CudaPackedLinear& weights, const LinearEpilogue& epilogue,
                                const float* row_factors, MatrixView out) {
  ProductTask<Product> task;
  task.x = x;
  task.weights = weights.weights<typename Product::Weight>();
  task.rows = rows;
  task.words = weights.words();
  task.outputs = weights.outputs();
  task.end.bias = weights.bias();
  task.end.column_factors = weights.column_factors();
  task.end.row_factors = row_factors;
  task.end.activation = epilogue.activation;
  task.end.residual = rows_of(epilogue.residual);
  task.end.out = rows_of(out);
  if (rows <= kMostFewRows) {
    const FewRowsKernel<Product> kernel{task};
    run(kernel, kernel.grid());
  } else {
    const ManyRowsKernel<Product> kernel{task};
    run(kernel, kernel.grid());
  }
}

void CudaBackend::linear(ConstMatrixView x, const PackedLinear& weights,
                         const LinearEpilogue& epilogue, MatrixView out) {
  const auto& packed = dynamic_cast<const CudaPackedLinear&>(weights);
  TANDEM_DCHECK(x.cols() == packed.inputs() && out.cols() == packed.outputs());
  TANDEM_DCHECK(x.rows() == out.rows());
  const std::int64_t rows = x.rows();
  if (rows == 0) return;
  if (packed.compute_type() == ComputeType::float32)
    multiply_rows<Float32Product>(rows_of(x), rows, packed, epilogue, nullptr, out);
  else if (packed.compute_type() == ComputeType::bfloat16)
    multiply_rows<Bfloat16Product>(rows_of(x), rows, packed, epilogue, nullptr, out);
  else if (packed.compute_type() == ComputeType::float16)
    multiply_rows<Float16Product>(rows_of(x), rows, packed, epilogue, nullptr, out);
  else
    multiply_int8(x, packed, epilogue, out);
}

void CudaBackend::multiply_int8(ConstMatrixView x, const CudaPackedLinear& packed,
                                const LinearEpilogue& epilogue, MatrixView out) {
  const std::int64_t rows = x.rows();
  const std::unique_ptr<Buffer> steps =
      allocate(static_cast<std::size_t>(rows * packed.words()) * sizeof(std::int32_t));
  const std::unique_ptr<Buffer> scales = allocate(static_cast<std::size_t>(rows) * sizeof(float));
  QuantizeKernel quantize;
  quantize.x = rows_of(x);
  quantize.inputs = x.cols();
  quantize.fixed_scale = packed.activation_scale();
  quantize.steps = {static_cast<std::int32_t*>(steps->data()), packed.words()};
  quantize.row_factors = static_cast<float*>(scales->data());
  run(quantize, {rows, 1});
  multiply_rows<Int8Product>({quantize.steps.data, quantize.steps.stride}, rows, packed, epilogue,
                             quantize.row_factors, out);
}

}  // namespace tandem::cuda
