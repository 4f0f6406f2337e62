// Chooses the backend of a device.
#include <memory>

#include "kernels/backend.h"
#include "kernels/cpu/backend.h"
#include "kernels/cuda/backend.h"

namespace tandem {

std::unique_ptr<Backend> make_backend(const BackendOptions& options) {
  if (options.device.kind() == Device::Kind::cuda) return cuda::make_cuda_backend(options);
  return cpu::make_cpu_backend(options, cpu::choose_isa().isa);
}

}  // namespace tandem
