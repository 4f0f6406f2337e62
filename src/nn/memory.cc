#include "nn/memory.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked_math.h"

namespace tandem {

Parameter::Parameter(Backend& backend, const Tensor& tensor) {
  if (tensor.empty()) return;
  TANDEM_CHECK(tensor.dtype() == DType::float32);
  const ConstMatrixView host(tensor);
  buffer_ = backend.allocate(tensor.bytes());
  backend.to_device(buffer_->data(), tensor.raw(), tensor.bytes());
  view_ = ConstMatrixView(buffer_->data(), DType::float32, host.rows(), host.cols(), host.stride());
}

Parameter Parameter::borrow(const Tensor& tensor) {
  Parameter parameter;
  if (tensor.empty()) return parameter;
  TANDEM_CHECK(tensor.dtype() == DType::float32);
  parameter.tensor_ = tensor;
  parameter.view_ = ConstMatrixView(tensor);
  return parameter;
}

MatrixView Scratch::matrix(Backend& backend, std::int64_t rows, std::int64_t cols) {
  const auto elements =
      checked_mul(checked_cast<std::size_t>(rows, "scratch rows"),
                  checked_cast<std::size_t>(cols, "scratch columns"), "scratch memory");
  const std::size_t bytes = checked_mul(elements, sizeof(float), "scratch memory");
  if (!buffer_ || buffer_->bytes() < bytes) {
    const std::size_t grown = buffer_ ? std::max(bytes, 2 * buffer_->bytes()) : bytes;
    buffer_.reset();
    buffer_ = backend.allocate(std::max<std::size_t>(grown, 1));
  }
  return MatrixView(buffer_->data(), DType::float32, rows, cols, cols);
}

}  // namespace tandem
