// Stands in for the CUDA backend in builds without CUDA, so that no caller needs an #ifdef.
#include "kernels/cuda/backend.h"

namespace tandem::cuda {

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options) {
  throw Error(ErrorCode::unsupported,
              "opening cuda:" + std::to_string(options.device.ordinal()) +
                  ": this build of Tandem has no CUDA backend",
              "configure with -DTANDEM_CUDA=ON, or choose the device cpu");
}

}  // namespace tandem::cuda
