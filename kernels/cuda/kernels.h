// Every kernel of the CUDA backend, once: what a launch can name and a Gpu can run. The library and
// the module tandem_cuda number them alike, since both are built from this list.
#pragma once

#include <cstddef>
#include <type_traits>

#include "kernels/cuda/attention_kernel.h"
#include "kernels/cuda/norm_kernels.h"
#include "kernels/cuda/product_kernels.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/cuda/select_kernels.h"
#include "kernels/cuda/ssru_kernel.h"
#include "kernels/cuda/weight_kernels.h"

namespace tandem::cuda {

template <class... Kernel>
struct KernelList {
  // The place of one in the list.
  template <class Wanted>
  static constexpr std::size_t index_of() {
    static_assert((std::is_same_v<Wanted, Kernel> || ...), "not in the list of all kernels");
    std::size_t index = 0;
    static_cast<void>(((std::is_same_v<Wanted, Kernel> || (++index, false)) || ...));
    return index;
  }
};

// One a line: tests/tools/check_cuda_resources.py reads them.
// clang-format off
using Kernels = KernelList<
    EmbedKernel,
    GatherFloat32,
    GatherFloat16,
    GatherRounded,
    ScatterKernel<float>,
    ScatterKernel<Float16>,
    AddKernel,
    MultiplyKernel,
    ActivateKernel,
    LayerNormKernel,
    RmsNormKernel,
    SsruKernel,
    FewRowsKernel<Float32Product>,
    FewRowsKernel<Bfloat16Product>,
    FewRowsKernel<Float16Product>,
    FewRowsKernel<Int8Product>,
    ManyRowsKernel<Float32Product>,
    ManyRowsKernel<Bfloat16Product>,
    ManyRowsKernel<Float16Product>,
    ManyRowsKernel<Int8Product>,
    QuantizeKernel,
    RoundKernel<Bfloat16>,
    RoundKernel<Float16>,
    FinishKernel<float>,
    FinishKernel<std::int32_t>,
    TransposeKernel,
    SelectColumnsKernel<std::uint32_t>,
    SelectColumnsKernel<std::uint16_t>,
    AttentionKernel<float>,
    AttentionKernel<Float16>,
    SelectStatsKernel,
    SelectScoreKernel,
    SelectEditKernel,
    RenormalizeKernel,
    TopSliceKernel,
    TopMergeKernel>;
// clang-format on

}  // namespace tandem::cuda
