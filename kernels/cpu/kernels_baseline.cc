// The baseline that every CPU runs (SSE2 on x86-64), and the path for other architectures.
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/simd_portable.h"
// The bodies are written against the vectors of the header above; the order matters.
// clang-format off
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/rows-inl.h"
#include "kernels/cpu/attention-inl.h"
#include "kernels/cpu/attention_row-inl.h"
#include "kernels/cpu/scores-inl.h"
#include "kernels/cpu/product_tiles-inl.h"
#include "kernels/cpu/product_f32-inl.h"
#include "kernels/cpu/product_bfloat16-inl.h"
#include "kernels/cpu/quantize-inl.h"
#include "kernels/cpu/product_int8_words-inl.h"
// clang-format on

namespace tandem::cpu {

const Kernels& baseline_kernels() {
  static constexpr Kernels kTable = {product_f32,
                                     product_bfloat16,
                                     product_int8,
                                     quantize_row_words,
                                     /*quantized_group_bytes=*/8,
                                     layer_norm,
                                     rms_norm,
                                     scale_add,
                                     activate,
                                     add,
                                     multiply,
                                     /*round_to_float16=*/nullptr,
                                     ssru,
                                     attend<float>,
                                     attend_row<float>,
                                     /*attend_float16=*/nullptr,
                                     /*attend_row_float16=*/nullptr,
                                     max,
                                     sum_exp,
                                     find_score,
                                     top_k};
  return kTable;
}

}  // namespace tandem::cpu
