// Products of the CUDA backend: which kernel runs, the int8 steps of the inputs, and which products
// of many rows the library takes: int8 always, since its bits are the same, floats with
// Numerics::fast.
#include <memory>

#include "kernels/cuda/cuda_backend.h"

namespace tandem::cuda {
namespace {

// Up to here reading all weights once for 4 rows costs less than filling tiles of 64 rows.
constexpr std::int64_t kMostFewRows = 16;

// What follows sums that have nothing behind them yet.
ProductEnd end_of(const CudaPackedLinear& weights, const LinearEpilogue& epilogue,
                  const float* row_factors, MatrixView out) {
  ProductEnd end;
  end.bias = weights.bias();
  end.column_factors = weights.column_factors();
  end.row_factors = row_factors;
  end.activation = epilogue.activation;
  end.residual = rows_of(epilogue.residual);
  end.out = rows_of(out);
  return end;
}

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
  task.end = end_of(weights, epilogue, row_factors, out);
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

// A product by the library, without its operands and where it goes.
MatrixProduct CudaBackend::product_of(std::int64_t rows, const CudaPackedLinear& packed) {
  if (!workspace_) workspace_ = allocate(kProductWorkspace);
  MatrixProduct product;
  product.type = packed.compute_type();
  product.rows = rows;
  product.workspace = workspace_->data();
  product.workspace_bytes = kProductWorkspace;
  return product;
}

// The product by the library with float32 sums; activations that it does not have run after it.
bool CudaBackend::multiply_fast(ConstMatrixView x, const CudaPackedLinear& packed,
                                const LinearEpilogue& epilogue, MatrixView out) {
  const ComputeType type = packed.compute_type();
  if (!fast_ || type == ComputeType::int8 || x.rows() <= kMostFewRows) return false;
  MatrixProduct product = product_of(x.rows(), packed);
  product.inputs = packed.inputs();
  product.outputs = packed.outputs();
  product.x = {x.row<float>(0), x.stride()};
  product.weights = packed.operand();
  product.bias = packed.bias();

  std::unique_ptr<Buffer> rounded, sums;
  if (is_narrow(type)) {
    const std::int64_t stride = aligned_stride(x.cols(), sizeof(std::uint16_t));
    rounded = allocate(static_cast<std::size_t>(x.rows() * stride) * sizeof(std::uint16_t));
    product.x = {rounded->data(), stride};
    if (type == ComputeType::bfloat16)
      round_rows<Bfloat16>(x, stride, *rounded);
    else
      round_rows<Float16>(x, stride, *rounded);
  }

  const bool has_residual = epilogue.residual.rows() > 0;
  product.relu = epilogue.activation == Activation::relu && !has_residual;
  const bool fused = product.relu || epilogue.activation == Activation::none;
  if (fused) {
    product.residual = rows_of(epilogue.residual);
    product.out = rows_of(out);
    return stream().multiply(product);
  }
  sums = allocate(static_cast<std::size_t>(out.rows() * out.cols()) * sizeof(float));
  product.out = {static_cast<float*>(sums->data()), out.cols()};
  if (!stream().multiply(product)) return false;
  FinishKernel<float> finish;
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
  const std::int64_t rows = x.rows(), stride = aligned_stride(x.cols(), 1);
  const std::unique_ptr<Buffer> steps = allocate(static_cast<std::size_t>(rows * stride));
  const std::unique_ptr<Buffer> scales = allocate(static_cast<std::size_t>(rows) * sizeof(float));
  QuantizeKernel quantize;
  quantize.x = rows_of(x);
  quantize.inputs = x.cols();
  quantize.fixed_scale = packed.activation_scale();
  quantize.steps = {static_cast<std::int32_t*>(steps->data()), stride / 4};
  quantize.row_factors = static_cast<float*>(scales->data());
  stream().run(quantize, {rows, 1});
  if (multiply_steps(quantize, rows, packed, epilogue, out)) return;
  multiply_rows<Int8Product>({quantize.steps.data, quantize.steps.stride}, rows, packed, epilogue,
                             quantize.row_factors, out);
}

// The sums by the library. What follows them is the code of the own kernels on the same numbers, so
// the bits are the same, and Numerics does not matter. Whatever stands between the last word of a
// row and its stride meets weights of zero.
bool CudaBackend::multiply_steps(const QuantizeKernel& x, std::int64_t rows,
                                 const CudaPackedLinear& packed, const LinearEpilogue& epilogue,
                                 MatrixView out) {
  if (packed.transposed().data == nullptr || rows <= kMostFewRows) return false;
  MatrixProduct product = product_of(rows, packed);
  product.inputs = packed.transposed().stride;
  product.outputs = padded_outputs(packed.outputs());
  product.x = {x.steps.data, product.inputs};
  product.weights = packed.transposed();
  const std::unique_ptr<Buffer> sums =
      allocate(static_cast<std::size_t>(rows * product.outputs) * sizeof(std::int32_t));
  product.sums = {static_cast<std::int32_t*>(sums->data()), product.outputs};
  if (!stream().multiply(product)) return false;
  FinishKernel<std::int32_t> finish;
  finish.elements = {out.rows(), out.cols()};
  finish.sums = {product.sums.data, product.sums.stride};
  finish.end = end_of(packed, epilogue, x.row_factors, out);
  stream().run(finish, finish.elements.grid());
  return true;
}

}  // namespace tandem::cuda
