// The CUDA backend's entrance, all that others see of it. Exactly one source file defines it:
// loader.cc, or unavailable.cc in builds without CUDA.
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace tandem::cuda {

// Throws Error{unsupported} in a build without CUDA; Error{device} where the module, the driver or
// the device is missing, and says which.
std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options);

}  // namespace tandem::cuda
