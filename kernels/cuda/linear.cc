// Products of the CUDA backend: which kernel runs, the int8 steps of the inputs, and what tensor
// cores take with Numerics::fast.
#include <memory>

#include "kernels/cuda/cuda_backend.h"

namespace tandem::cuda {
namespace {

// Up to here reading all weights once for 4 rows costs less than filling tiles of 64 rows.
constexpr std::int64_t kMostFewRows = 16;
// Elements of 16 bits in the 16 bytes that a kernel of tensor cores loads at once.
constexpr std::int64_t kRowAlignment = 8;

}  // namespace

std::shared_ptr<const PackedLinear> CudaBackend::pack(const LinearWeights& weights,
                                                      ComputeType type) {
  return std::make_shared<const CudaPackedLinear>(*memory_, weights, type);
}

std::shared_ptr<const PackedLinear> CudaBackend::select_outputs(
    const PackedLinear& weights, std::span<const std::int32_t> columns) {
  stream().begin_op();
  return std::make_shared<const CudaPackedLinear>(
      *memory_, dynamic_cast<const CudaPackedLinear&>(weights), columns);
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
    stream().run(kernel, kernel.grid());
  } else {
    const ManyRowsKernel<Product> kernel{task};
    stream().run(kernel, kernel.grid());
  }
}

void CudaBackend::linear(ConstMatrixView x, const PackedLinear& weights,
                         const LinearEpilogue& epilogue, MatrixView out) {
  const auto& packed = dynamic_cast<const CudaPackedLinear&>(weights);
  TANDEM_DCHECK(x.cols() == packed.inputs() && out.cols() == packed.outputs());
  TANDEM_DCHECK(x.rows() == out.rows());
  const std::int64_t rows = x.rows();
  if (rows == 0) return;
  if (multiply_fast(x, packed, epilogue, out)) return;
  if (packed.compute_type() == ComputeType::float32)
    multiply_rows<Float32Product>(rows_of(x), rows, packed, epilogue, nullptr, out);
  else if (packed.compute_type() == ComputeType::bfloat16)
    multiply_rows<Bfloat16Product>(rows_of(x), rows, packed, epilogue, nullptr, out);
  else if (packed.compute_type() == ComputeType::float16)
    multiply_rows<Float16Product>(rows_of(x), rows, packed, epilogue, nullptr, out);
  else
    multiply_int8(x, packed, epilogue, out);
}

// The product by the library with float32 sums; activations that it does not have run after it.
bool CudaBackend::multiply_fast(ConstMatrixView x, const CudaPackedLinear& packed,
                                const LinearEpilogue& epilogue, MatrixView out) {
  if (!fast_ || !is_narrow(packed.compute_type()) || x.rows() <= kMostFewRows) return false;
  const bool bfloat16 = packed.compute_type() == ComputeType::bfloat16;
  const std::int64_t stride = (x.cols() + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
  const std::unique_ptr<Buffer> rounded =
      allocate(static_cast<std::size_t>(x.rows() * stride) * sizeof(std::uint16_t));
  if (bfloat16)
    round_rows<Bfloat16>(x, stride, *rounded);
  else
    round_rows<Float16>(x, stride, *rounded);
  if (!workspace_) workspace_ = allocate(kProductWorkspace);

  const bool has_residual = epilogue.residual.rows() > 0;
  const bool relu = epilogue.activation == Activation::relu && !has_residual;
  const bool fused = relu || epilogue.activation == Activation::none;
  std::unique_ptr<Buffer> sums;
  if (!fused) sums = allocate(static_cast<std::size_t>(out.rows() * out.cols()) * sizeof(float));

  MatrixProduct product;
  product.type = bfloat16 ? MatrixProduct::Type::bfloat16 : MatrixProduct::Type::float16;
  product.rows = x.rows();
  product.inputs = x.cols();
  product.outputs = out.cols();
  product.x = {static_cast<const std::uint16_t*>(rounded->data()), stride};
  product.weights = packed.weights<std::uint16_t>();
  product.bias = packed.bias();
  product.relu = relu;
  if (fused) product.residual = rows_of(epilogue.residual);
  product.out = fused ? rows_of(out) : Rows<float>{static_cast<float*>(sums->data()), out.cols()};
  product.workspace = workspace_->data();
  product.workspace_bytes = kProductWorkspace;
  if (!stream().multiply(product)) return false;
  if (fused) return true;

  FinishKernel finish;
  finish.elements = {out.rows(), out.cols()};
  finish.sums = {product.out.data, product.out.stride};
  finish.end.activation = epilogue.activation;
  finish.end.residual = rows_of(epilogue.residual);
  finish.end.out = rows_of(out);
  stream().run(finish, finish.elements.grid());
  return true;
}

template <class To>
void CudaBackend::round_rows(ConstMatrixView x, std::int64_t stride, Buffer& to) {
  RoundKernel<To> kernel;
  kernel.elements = {x.rows(), x.cols()};
  kernel.x = rows_of(x);
  kernel.out = {static_cast<To*>(to.data()), stride};
  stream().run(kernel, kernel.elements.grid());
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
  stream().run(quantize, {rows, 1});
  multiply_rows<Int8Product>({quantize.steps.data, quantize.steps.stride}, rows, packed, epilogue,
                             quantize.row_factors, out);
}

}  // namespace tandem::cuda
