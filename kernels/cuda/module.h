// What the library and the module tandem_cuda agree on. The module is a shared object of its own,
// so that the library runs where there is no CUDA; both are built from one source tree, and
// `contract` says whether they were.
#pragma once

#include "kernels/cuda/gpu.h"

namespace tandem::cuda {

struct Module {
  const char* contract;  // TANDEM_CUDA_CONTRACT of its build
  // A new stream on a device. The caller owns it. Throws Error{device} that says what is missing:
  // the driver, a device, or this one.
  Gpu* (*open)(int ordinal);
};

// The one symbol of the module: `extern "C" const Module* tandem_cuda_module()`.
constexpr const char* kModuleEntrance = "tandem_cuda_module";

}  // namespace tandem::cuda
