// One stream of work on one GPU: the seam between the CUDA backend, which is plain C++ and part of
// the library, and what needs the CUDA toolkit. The module tandem_cuda implements it (module.cu);
// tests implement it on the host. Nothing above kernels/cuda sees it.
//
// All work of a Gpu runs in the order in which it was asked for. Used by one thread at a time, but
// for `free`.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/cuda/attention_kernel.h"
#include "kernels/cuda/matrix_product.h"
#include "kernels/cuda/norm_kernels.h"
#include "kernels/cuda/product_kernels.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/cuda/select_kernels.h"
#include "kernels/cuda/ssru_kernel.h"
#include "kernels/cuda/weight_kernels.h"

// Every kernel, once: the list that Gpu and its implementations are made of.
// clang-format off
#define TANDEM_CUDA_KERNELS(kernel)          \
  kernel(EmbedKernel)                        \
  kernel(GatherFloat32)                      \
  kernel(GatherFloat16)                      \
  kernel(GatherRounded)                      \
  kernel(ScatterKernel<float>)               \
  kernel(ScatterKernel<Float16>)             \
  kernel(AddKernel)                          \
  kernel(MultiplyKernel)                     \
  kernel(ActivateKernel)                     \
  kernel(LayerNormKernel)                    \
  kernel(RmsNormKernel)                      \
  kernel(SsruKernel)                         \
  kernel(FewRowsKernel<Float32Product>)      \
  kernel(FewRowsKernel<Bfloat16Product>)     \
  kernel(FewRowsKernel<Float16Product>)      \
  kernel(FewRowsKernel<Int8Product>)         \
  kernel(ManyRowsKernel<Float32Product>)     \
  kernel(ManyRowsKernel<Bfloat16Product>)    \
  kernel(ManyRowsKernel<Float16Product>)     \
  kernel(ManyRowsKernel<Int8Product>)        \
  kernel(QuantizeKernel)                     \
  kernel(RoundKernel<Bfloat16>)              \
  kernel(RoundKernel<Float16>)               \
  kernel(FinishKernel)                       \
  kernel(SelectColumnsKernel<std::uint32_t>) \
  kernel(SelectColumnsKernel<std::uint16_t>) \
  kernel(AttentionKernel<float>)             \
  kernel(AttentionKernel<Float16>)           \
  kernel(SelectStatsKernel)                  \
  kernel(SelectScoreKernel)                  \
  kernel(SelectEditKernel)                   \
  kernel(RenormalizeKernel)                  \
  kernel(TopSliceKernel)                     \
  kernel(TopMergeKernel)
// clang-format on

namespace tandem::cuda {

// The library that `Gpu::multiply` needs.
struct ProductLibrary {
  bool found = false;
  std::string about;  // for people: its name and version, or what is missing
};

class Gpu {
 public:
  virtual ~Gpu() = default;

  virtual int ordinal() const = 0;
  virtual std::string name() const = 0;  // of the device, for people

  // Device memory, aligned to 256 bytes; null if there is not enough.
  virtual void* allocate(std::size_t bytes) = 0;
  // Waits for work that may use it.
  virtual void free(void* device) noexcept = 0;
  // Page-locked memory of the host; null if there is not enough.
  virtual void* allocate_host(std::size_t bytes) = 0;
  virtual void free_host(void* host) noexcept = 0;

  // Asynchronous for page-locked memory, which must stay as it is until the copy is done. Other
  // memory of the host may change once copy_in returns.
  virtual void copy_in(void* device, const void* host, std::size_t bytes) = 0;
  virtual void copy_out(void* host, const void* device, std::size_t bytes) = 0;

  // Waits until all work is done. Throws Error{device} for what went wrong since the last call.
  virtual void sync() = 0;

  // Asynchronous. A grid without blocks is no work. Throws Error{device} if the launch is refused.
#define TANDEM_RUN(Kernel) virtual void run(const Kernel& kernel, const Grid& grid) = 0;
  TANDEM_CUDA_KERNELS(TANDEM_RUN)
#undef TANDEM_RUN

  // Looks for it once for the process.
  virtual ProductLibrary product_library() const = 0;
  // Asynchronous, by that library; an equal call gives equal bits. False: it is missing or has no
  // algorithm for this product, and nothing was done. Throws Error{device}.
  virtual bool multiply(const MatrixProduct& product) = 0;
};

}  // namespace tandem::cuda
