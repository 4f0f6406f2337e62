// Non-owning matrices, what kernels work on: rows x cols elements with a row stride. The memory
// belongs to a Tensor or a Buffer, which must outlive the view. On a GPU the pointer is a
// device pointer and must not be read by the host.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace tandem {

// [rows, cols], element (r, c) at data + (r * stride + c) elements.
class ConstMatrixView {
 public:
  ConstMatrixView() = default;
  ConstMatrixView(const void* data, DType type, std::int64_t num_rows, std::int64_t num_cols, std::int64_t row_stride)
      : data_(data), dtype_(type), rows_(num_rows), cols_(num_cols), stride_(row_stride) {}
  template <class T>
  ConstMatrixView(const T* data, std::int64_t num_rows, std::int64_t num_cols)
      : ConstMatrixView(data, DTypeOf<T>::value, num_rows, num_cols, num_cols) {}
  // A tensor of rank 1 is one row; higher ranks keep the last axis as columns.
  explicit ConstMatrixView(const Tensor& tensor)
      : data_(tensor.raw()), dtype_(tensor.dtype()),
        cols_(tensor.shape().rank() == 0 ? 1 : tensor.shape()[tensor.shape().rank() - 1]) {
    rows_ = cols_ == 0 ? 0 : tensor.shape().elements() / cols_;
    stride_ = cols_;
  }

  const void* raw() const { return data_; }
  DType dtype() const { return dtype_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t stride() const { return stride_; }

  template <class T>
  const T* row(std::int64_t r) const {
    TANDEM_DCHECK(dtype_ == DTypeOf<T>::value && r >= 0 && r <= rows_);
    return static_cast<const T*>(data_) + r * stride_;
  }
  ConstMatrixView slice_rows(std::int64_t first, std::int64_t count) const {
    TANDEM_DCHECK(first >= 0 && count >= 0 && first + count <= rows_);
    return {at(first, 0), dtype_, count, cols_, stride_};
  }
  ConstMatrixView slice_cols(std::int64_t first, std::int64_t count) const {
    TANDEM_DCHECK(first >= 0 && count >= 0 && first + count <= cols_);
    return {at(0, first), dtype_, rows_, count, stride_};
  }

 private:
  const void* at(std::int64_t r, std::int64_t c) const {
    return static_cast<const std::byte*>(data_) + (r * stride_ + c) * static_cast<std::int64_t>(size_of(dtype_));
  }
  const void* data_ = nullptr;
  DType dtype_ = DType::float32;
  std::int64_t rows_ = 0, cols_ = 0, stride_ = 0;
};

class MatrixView {
 public:
  MatrixView() = default;
  MatrixView(void* data, DType type, std::int64_t num_rows, std::int64_t num_cols, std::int64_t row_stride)
      : data_(data), dtype_(type), rows_(num_rows), cols_(num_cols), stride_(row_stride) {}
  template <class T>
  MatrixView(T* data, std::int64_t num_rows, std::int64_t num_cols)
      : MatrixView(data, DTypeOf<T>::value, num_rows, num_cols, num_cols) {}

  void* raw() const { return data_; }
  DType dtype() const { return dtype_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t stride() const { return stride_; }

  template <class T>
  T* row(std::int64_t r) const {
    TANDEM_DCHECK(dtype_ == DTypeOf<T>::value && r >= 0 && r <= rows_);
    return static_cast<T*>(data_) + r * stride_;
  }
  MatrixView slice_rows(std::int64_t first, std::int64_t count) const {
    TANDEM_DCHECK(first >= 0 && count >= 0 && first + count <= rows_);
    return {at(first, 0), dtype_, count, cols_, stride_};
  }
  MatrixView slice_cols(std::int64_t first, std::int64_t count) const {
    TANDEM_DCHECK(first >= 0 && count >= 0 && first + count <= cols_);
    return {at(0, first), dtype_, rows_, count, stride_};
  }
  operator ConstMatrixView() const { return {data_, dtype_, rows_, cols_, stride_}; }  // NOLINT

 private:
  void* at(std::int64_t r, std::int64_t c) const {
    return static_cast<std::byte*>(data_) + (r * stride_ + c) * static_cast<std::int64_t>(size_of(dtype_));
  }
  void* data_ = nullptr;
  DType dtype_ = DType::float32;
  std::int64_t rows_ = 0, cols_ = 0, stride_ = 0;
};

}  // namespace tandem
