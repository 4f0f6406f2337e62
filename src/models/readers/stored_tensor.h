// From the bytes of a file to a tensor, the same way for every format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace tandem {

// The extents that a file states. Throws Error{corrupt} that begins with `where`, the file and the
// tensor, if no tensor can have them.
Shape stored_shape(std::span<const std::int64_t> extents, const std::string& where);

// A tensor over `bytes`, which `owner` keeps alive: borrowed where they are aligned for the type,
// else copied. `bytes` must hold the whole tensor (a defect of the caller otherwise).
Tensor stored_tensor(const Shape& shape, DType type, std::span<const std::byte> bytes,
                     const std::shared_ptr<const void>& owner);

// False when a float tensor holds a NaN or an infinity: one such weight spreads into every output,
// where nobody can tell any more which file it came from. One pass over the bytes, in vector code.
bool all_finite(const Tensor& tensor);

}  // namespace tandem
