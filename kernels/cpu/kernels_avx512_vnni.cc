// AVX-512 with VNNI: Intel since Cascade Lake, AMD since Zen 4. int8 products by vpdpbusd; the rest
// is the AVX-512 table.
//
// vpdpbusd multiplies unsigned by signed bytes and adds 4 products to a 32-bit sum without
// saturation. Activations are stored as q + 128, and each sum starts at -128 times the sum of its
// column's weights, which takes the offset out again exactly.
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/simd_avx512.h"
// The bodies are written against the vectors of the header above; the order matters.
// clang-format off
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/product_tiles-inl.h"
#include "kernels/cpu/quantize-inl.h"
// clang-format on

namespace tandem::cpu {
namespace {

// The instruction itself: g++ 12 copies every accumulator around _mm512_dpbusd_epi32 and loses 45
// %. By value, because an accumulator whose address is taken would live in memory.
inline Ints multiply_add_bytes(Ints sum, Ints unsigned_bytes, Ints signed_bytes) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
  return sum;
}

struct TileBytes {
  static constexpr int kMostRows = 6;
  static constexpr int kStripRows = 0;  // panels are walked whole
  template <int kRows>
  static constexpr int vectors() {
    return static_cast<int>(kPanelColumns) / kLanes;
  }

  template <int kRows, int kLines>
  static void run(const ProductInt8& product, const char* weights, const char* ahead,
                  std::int64_t row, std::int64_t column) {
    constexpr int kVectors = vectors<kRows>();
    const std::int64_t x_stride = product.x_stride_bytes / 4;
    const auto* x = static_cast<const std::int32_t*>(product.x) + row * x_stride;
    const std::int32_t* column_sums = product.column_sums + column;
    Ints acc[kRows][kVectors];
    TANDEM_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Ints start = _mm512_sub_epi32(
          broadcast_int(0), _mm512_slli_epi32(load_ints(column_sums + v * kLanes), 7));
      TANDEM_UNROLL
      for (int r = 0; r < kRows; ++r) acc[r][v] = start;
    }
    for (std::int64_t g = 0; g < product.groups; ++g, weights += kGroupBytes) {
      const auto* words = reinterpret_cast<const std::int32_t*>(weights);
      Ints w[kVectors];
      for (int v = 0; v < kVectors; ++v) w[v] = in_register(load_ints(words + v * kLanes));
      fetch_lines<kLines>(ahead + g * kGroupBytes);
      for (int r = 0; r < kRows; ++r) {
        const Ints a = broadcast_int(x[r * x_stride + g]);
        for (int v = 0; v < kVectors; ++v) acc[r][v] = multiply_add_bytes(acc[r][v], a, w[v]);
      }
    }
    finish_tile_int8<kRows, kVectors>(product, acc, row, column);
  }
};

void product_bytes(const ProductInt8& product, std::int64_t panel, std::int64_t row_begin,
                   std::int64_t row_end) {
  walk_rows<TileBytes>(product, panel, row_begin, row_end);
}

QuantizedRow quantize_row_offset(const float* x, std::int64_t n, std::int64_t groups, float scale,
                                 void* q) {
  const RowScale row = row_scale(x, n, scale);
  auto* bytes = static_cast<std::uint8_t*>(q);
  const __m128i offset = _mm_set1_epi8(-128);  // the same byte as +128
  for (std::int64_t i = 0; i < 4 * groups; i += kLanes) {
    const __m128i steps = _mm_add_epi8(_mm512_cvtepi32_epi8(quantized(x, n, i, row.scale)), offset);
    const std::int64_t lanes = 4 * groups - i;
    _mm_mask_storeu_epi8(bytes + i, lanes < kLanes ? first_lanes(lanes) : __mmask16{0xFFFF}, steps);
  }
  return {row.factor, 0};
}

}  // namespace

const Kernels& avx512_vnni_kernels() {
  static const Kernels kTable = [] {
    Kernels table = avx512_kernels();
    table.product_int8 = product_bytes;
    table.quantize_row = quantize_row_offset;
    table.quantized_group_bytes = 4;
    return table;
  }();
  return kTable;
}

}  // namespace tandem::cpu
