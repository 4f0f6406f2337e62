// float32 matrices in the memory of a backend: parameters that never change, and scratch that one
// step leaves to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/backend.h"
#include "tensor/tensor.h"
#include "tensor/view.h"

namespace tandem {

// A matrix of a loaded model. Copies share the memory.
class Parameter {
 public:
  Parameter() = default;  // empty: what an op takes for "none"
  // `tensor` is float32; rank 1 is one row. An empty tensor gives an empty parameter. The values
  // are copied even on a CPU, so that the file's bytes can be freed as a whole once everything is
  // packed.
  Parameter(Backend& backend, const Tensor& tensor);
  // The same without a copy, for a CPU: of a file that stays mapped.
  static Parameter borrow(const Tensor& tensor);

  ConstMatrixView view() const { return view_; }
  bool empty() const { return view_.rows() == 0; }
  std::size_t bytes() const {
    return static_cast<std::size_t>(view_.rows() * view_.cols()) * sizeof(float);
  }

 private:
  std::shared_ptr<Buffer> buffer_;  // null: `tensor_` holds the values
  Tensor tensor_;
  ConstMatrixView view_;
};

// Memory for one intermediate result. Grows by doubling and never shrinks, so that a steady state
// allocates nothing. Belongs to one thread.
class Scratch {
 public:
  // [rows, cols], contents undefined. Earlier views of this Scratch are no longer valid.
  MatrixView matrix(Backend& backend, std::int64_t rows, std::int64_t cols);

 private:
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace tandem
