// AVX-512 F, BW, DQ, VL without VNNI: Skylake-X.
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/simd_avx512.h"
// The bodies are written against the vectors of the header above; the order matters.
// clang-format off
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/rows-inl.h"
#include "kernels/cpu/float16-inl.h"
#include "kernels/cpu/attention-inl.h"
#include "kernels/cpu/attention_row-inl.h"
#include "kernels/cpu/scores-inl.h"
#include "kernels/cpu/product_tiles-inl.h"
#include "kernels/cpu/product_f32-inl.h"
#include "kernels/cpu/product_bfloat16-inl.h"
#include "kernels/cpu/quantize-inl.h"
#include "kernels/cpu/product_int8_bytes-inl.h"
// clang-format on

namespace tandem::cpu {

const Kernels& avx512_kernels() {
  static constexpr Kernels kTable = {product_f32,
                                     product_bfloat16,
                                     product_int8,
                                     quantize_row_bytes,
                                     /*quantized_group_bytes=*/8,
                                     layer_norm,
                                     rms_norm,
                                     scale_add,
                                     activate,
                                     add,
                                     multiply,
                                     round_to_float16,
                                     ssru,
                                     attend<float>,
                                     attend_row<float>,
                                     attend<Float16>,
                                     attend_row<Float16>,
                                     max,
                                     sum_exp,
                                     find_score,
                                     top_k};
  return kTable;
}

}  // namespace tandem::cpu
