// int8 products without VNNI, by vpmaddubsw: it multiplies unsigned by signed bytes and saturates
// the sum of two products at 16 bits. Include after product_tiles-inl.h and quantize-inl.h.
//
// An activation x is stored as |x|, at most 127, and a byte that is all ones where x < 0. There the
// weight is complemented, |x| * ~w = |x| * (-w - 1) = x * w - |x|, so that two products are at most
// 2 * 127 * 128: nothing saturates, whatever w is. The |x| that the complements take away are the
// same for all columns; the sums of a row start from them. Of each group of 4 activations the 4
// |x| come first, then the 4 signs.
//
// This takes 4 instructions for 32 weights and a row, 1.02 cycles on Zen 4. Widening the weights to
// 16 bits takes as many, in 1.26 cycles, and 3 more for each 32 weights.
#pragma once

namespace tandem::cpu {
namespace {

struct TileInt8 {
  static constexpr int kMostRows = 6;
  // Of 16 registers: as many sums as 6 rows of 2 vectors, for half of the activations.
  static constexpr int kStripRows = kLanes == 8 ? 3 : 0;
  template <int kRows>
  static constexpr int vectors() {
    return tile_vectors(kRows);
  }

  template <int kRows, int kLines>
  static void run(const ProductInt8& product, const char* weights, const char* ahead,
                  std::int64_t row, std::int64_t column) {
    constexpr int kVectors = vectors<kRows>();
    const std::int64_t x_stride = product.x_stride_bytes / 4;
    const auto* x = static_cast<const std::int32_t*>(product.x) + row * x_stride;
    const Ints ones = broadcast_int(0x00010001);
    Ints acc[kRows][kVectors];
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r) TANDEM_UNROLL
    for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast_int(product.rows[row + r].start);
    for (std::int64_t g = 0; g < product.groups; ++g) {
      const auto* bytes = reinterpret_cast<const std::int32_t*>(weights + g * kGroupBytes);
      fetch_lines<kLines>(ahead + g * kGroupBytes);
      TANDEM_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const Ints magnitudes = broadcast_int(x[r * x_stride + 2 * g]);
        const Ints signs = broadcast_int(x[r * x_stride + 2 * g + 1]);
        TANDEM_UNROLL
        for (int v = 0; v < kVectors; ++v)
          acc[r][v] = add_byte_products(acc[r][v], bytes + v * kLanes, magnitudes, signs, ones);
      }
    }
    finish_tile_int8<kRows, kVectors>(product, acc, row, column);
  }
};

void product_int8(const ProductInt8& product, std::int64_t panel, std::int64_t row_begin,
                  std::int64_t row_end) {
  walk_rows<TileInt8>(product, panel, row_begin, row_end);
}

QuantizedRow quantize_row_bytes(const float* x, std::int64_t n, std::int64_t groups, float scale,
                                void* q) {
  const RowScale row = row_scale(x, n, scale);
  auto* bytes = static_cast<std::int8_t*>(q);
  Ints negative = broadcast_int(0);
  for (std::int64_t i = 0; i < 4 * groups; i += kLanes) {
    const Ints steps = quantized(x, n, i, row.scale);
    store_magnitudes_and_signs(bytes + 2 * i, steps);
    negative = add_negative(negative, steps);
  }
  // A row without numbers may have steps beyond 32 bits; its factor is NaN whatever the sums are.
  return {row.factor, row.scale == 0.0F ? 0 : -reduce_add(negative)};
}

}  // namespace
}  // namespace tandem::cpu
