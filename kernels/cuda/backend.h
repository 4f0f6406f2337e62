// The CUDA backend's entrance. Exactly one source file defines it: unavailable.cc in builds without
// CUDA.
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace tandem::cuda {

// Throws Error{unsupported} in a build without CUDA.
std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options);

}  // namespace tandem::cuda
