// A tensor that keeps its memory alive: what readers return and models own. Cheap to move and to
// copy (copies share the bytes, which nobody changes after construction); use `Tensor::zeros` and
// `mutable_data` to fill a new one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/check.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace tandem {

class Tensor {
 public:
  Tensor() = default;

  // New memory, 64-byte aligned, set to zero. Throws Error{resource_exhausted}.
  static Tensor zeros(Shape shape, DType type);
  // Borrows `bytes`, kept alive by `owner` (a mapped or read file). `bytes` must be aligned for
  // `type` and hold at least shape.elements() of it.
  static Tensor borrow(Shape shape, DType type, const std::byte* bytes, std::shared_ptr<const void> owner);

  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::size_t bytes() const { return static_cast<std::size_t>(shape_.elements()) * size_of(dtype_); }
  const std::byte* raw() const { return data_; }
  bool empty() const { return data_ == nullptr; }

  template <class T>
  std::span<const T> data() const {
    TANDEM_CHECK(dtype_ == DTypeOf<T>::value);
    return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(shape_.elements())};
  }
  // For filling a tensor that `zeros` made.
  template <class T>
  std::span<T> mutable_data() {
    TANDEM_CHECK(dtype_ == DTypeOf<T>::value && mutable_ != nullptr);
    return {reinterpret_cast<T*>(mutable_), static_cast<std::size_t>(shape_.elements())};
  }
  std::byte* mutable_raw() {
    TANDEM_CHECK(mutable_ != nullptr);
    return mutable_;
  }

  // float32 of a float32, float16, bfloat16 or float64 tensor; shares memory when it is float32 already.
  Tensor to_float32() const;
  // The same bytes under another shape with as many elements.
  Tensor reshaped(Shape shape) const;
  // A new tensor with rows and columns swapped; rank 2.
  Tensor transposed() const;

 private:
  Shape shape_{0};
  DType dtype_ = DType::float32;
  const std::byte* data_ = nullptr;
  std::byte* mutable_ = nullptr;
  std::shared_ptr<const void> owner_;
};

}  // namespace tandem
