// The check that a stored tensor holds numbers: a NaN or an infinity in one weight spreads into
// every output, where nobody can tell any more which file it came from.
#pragma once

#include "tensor/tensor.h"

namespace tandem {

// False when a float tensor holds a NaN or an infinity. One pass over the bytes, in vector code.
bool all_finite(const Tensor& tensor);

}  // namespace tandem
