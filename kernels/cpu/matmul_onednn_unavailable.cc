// Stands in for oneDNN in builds without it.
#include "kernels/cpu/matmul_onednn.h"

namespace tandem::cpu {

std::unique_ptr<OnednnMatmul> make_onednn_matmul() {
  return nullptr;
}

}  // namespace tandem::cpu
