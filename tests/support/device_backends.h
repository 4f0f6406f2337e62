// Backends whose memory is not the host's, for tests of the layers above that keep out of it: the
// CUDA backend with its kernels run on the host, where touching device memory ends the test.
#pragma once

#include <vector>

#include "kernels/host_gpu.h"
#include "support/backends.h"

namespace tandem {

inline std::vector<BackendChoice> device_backends() {
  return {{"cuda_on_host", [] { return cuda::open_on_host(); }}};
}

}  // namespace tandem
