// Memory that a backend reuses from call to call: it grows to the largest request and stays, so
// that a decoder step allocates nothing once it has run. Contents are undefined after `reserve`.
#pragma once

#include <cstddef>
#include <memory>

#include "tensor/tensor.h"

namespace tandem::cpu {

class Scratch {
 public:
  // At least `count` elements, 64-byte aligned, valid until the next call on this object.
  // Throws Error{resource_exhausted}.
  template <class T>
  T* reserve(std::int64_t count) {
    const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(T));
    if (static_cast<std::int64_t>(memory_.bytes()) < bytes || memory_.empty())
      memory_ = Tensor::zeros({bytes + bytes / 2 + 64}, DType::int8);
    return reinterpret_cast<T*>(memory_.mutable_raw());
  }

 private:
  Tensor memory_;
};

}  // namespace tandem::cpu
