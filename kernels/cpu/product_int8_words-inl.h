// int8 products of the portable path: weights are widened to 16 bits and multiplied in pairs, exact
// for any operands. Include after product_tiles-inl.h and quantize-inl.h.
//
// Activations are 16-bit words; the 4 of a group are stored in the order 0 2 1 3, so that one
// 32-bit broadcast meets the even and one the odd weights of a column.
#pragma once

namespace tandem::cpu {
namespace {

struct TileInt8 {
  static constexpr int kMostRows = 4;
  static constexpr int kStripRows = 0;  // panels are walked whole
  // Even and odd weights need a register each, so tall tiles are narrower than in float32: of 16
  // registers, 4 rows and 2 vectors are the most whose sums, weights and one activation fit.
  template <int kRows>
  static constexpr int vectors() {
    return kRows > 2 ? 2 : tile_vectors(kRows);
  }

  template <int kRows, int kLines>
  static void run(const ProductInt8& product, const char* weights, const char* ahead,
                  std::int64_t row, std::int64_t column) {
    constexpr int kVectors = vectors<kRows>();
    const std::int64_t x_stride = product.x_stride_bytes / 4;
    const auto* x = static_cast<const std::int32_t*>(product.x) + row * x_stride;
    Ints acc[kRows][kVectors];
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r) TANDEM_UNROLL
    for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast_int(0);
    for (std::int64_t g = 0; g < product.groups; ++g) {
      const auto* words = reinterpret_cast<const std::int32_t*>(weights + g * kGroupBytes);
      fetch_lines<kLines>(ahead + g * kGroupBytes);
      // Two vectors at a time share each activation as soon as it is loaded: all of them at once
      // would push the sums out of the registers.
      TANDEM_UNROLL
      for (int v = 0; v < kVectors; v += 2) {
        const Ints w0 = load_ints(words + v * kLanes), w1 = load_ints(words + (v + 1) * kLanes);
        const Ints even0 = even_bytes(w0), even1 = even_bytes(w1);
        const Ints odd0 = odd_bytes(w0), odd1 = odd_bytes(w1);
        TANDEM_UNROLL
        for (int r = 0; r < kRows; ++r) {
          const Ints even = broadcast_int(x[r * x_stride + 2 * g]);
          acc[r][v] = add_pair_products(acc[r][v], even0, even);
          acc[r][v + 1] = add_pair_products(acc[r][v + 1], even1, even);
          const Ints odd = broadcast_int(x[r * x_stride + 2 * g + 1]);
          acc[r][v] = add_pair_products(acc[r][v], odd0, odd);
          acc[r][v + 1] = add_pair_products(acc[r][v + 1], odd1, odd);
        }
      }
    }
    finish_tile_int8<kRows, kVectors>(product, acc, row, column);
  }
};

void product_int8(const ProductInt8& product, std::int64_t panel, std::int64_t row_begin,
                  std::int64_t row_end) {
  walk_rows<TileInt8>(product, panel, row_begin, row_end);
}

QuantizedRow quantize_row_words(const float* x, std::int64_t n, std::int64_t groups, float scale,
                                void* q) {
  const RowScale row = row_scale(x, n, scale);
  auto* words = static_cast<std::int16_t*>(q);
  for (std::int64_t i = 0; i < 4 * groups; i += kLanes)
    store_words(words + i, quantized(x, n, i, row.scale));
  return {row.factor, 0};
}

}  // namespace
}  // namespace tandem::cpu
