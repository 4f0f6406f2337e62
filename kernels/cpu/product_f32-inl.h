// float32 products of packed panels. Include after product_tiles-inl.h.
#pragma once

namespace tandem::cpu {
namespace {

// Weights `ahead` bytes from those that are read are fetched.
template <int kRows>
inline void tile_f32(const ProductF32& product, const float* panel, std::int64_t ahead,
                     std::int64_t row, std::int64_t first_column) {
  constexpr int kVectors = tile_vectors(kRows);
  const std::int64_t x_stride = product.x_stride;
  const float* x = product.x + row * x_stride;
  Floats acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast(0.0F);
  for (std::int64_t k = 0; k < product.inputs; ++k) {
    const float* weights = panel + k * kPanelColumns;
    Floats w[kVectors];
    for (int v = 0; v < kVectors; ++v)
      w[v] = kLanes == 16 ? in_register(load(weights + v * kLanes)) : load(weights + v * kLanes);
    if (kRows > 1) fetch_columns<kVectors * kLanes>(weights + ahead / 4);
    for (int r = 0; r < kRows; ++r) {
      const Floats a = broadcast(x[r * x_stride + k]);
      for (int v = 0; v < kVectors; ++v) acc[r][v] = fma(a, w[v], acc[r][v]);
    }
  }
  finish_tile<kRows, kVectors>(product.output, acc, row, first_column);
}

struct TileF32 {
  static constexpr int kMostRows = 6;

  template <int kRows>
  static void run(const ProductF32& product, std::int64_t panel, std::int64_t row) {
    constexpr int kTileColumns = tile_vectors(kRows) * kLanes;
    const std::int64_t width = panel_width(product.output, panel);
    const float* weights = product.panels + panel * product.panel_elements;
    for (std::int64_t column = 0; column < width; column += kTileColumns) {
      const std::int64_t ahead =
          fetch_distance<kTileColumns>(product.output, panel, 4 * product.panel_elements, column);
      tile_f32<kRows>(product, weights + column, ahead, row, panel * kPanelColumns + column);
    }
  }
};

void product_f32(const ProductF32& product, std::int64_t panel, std::int64_t row_begin,
                 std::int64_t row_end) {
  walk_rows<TileF32>(product, panel, row_begin, row_end);
}

}  // namespace
}  // namespace tandem::cpu
