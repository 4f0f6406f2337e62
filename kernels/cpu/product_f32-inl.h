// float32 products of packed panels. Include after product_tiles-inl.h.
#pragma once

namespace tandem::cpu {
namespace {

template <int kRows>
inline void tile_f32(const float* x, std::int64_t x_stride, std::int64_t inputs, const float* panel,
                     float* sums) {
  constexpr int kVectors = tile_vectors(kRows);
  Floats acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast(0.0F);
  for (std::int64_t k = 0; k < inputs; ++k) {
    const float* weights = panel + k * kPanelColumns;
    Floats w[kVectors];
    for (int v = 0; v < kVectors; ++v) w[v] = load(weights + v * kLanes);
    if (kRows > 1)
      for (int column = 0; column < kVectors * kLanes; column += 16)
        prefetch(weights + column + kPrefetchBytes / 4);
    for (int r = 0; r < kRows; ++r) {
      const Floats a = broadcast(x[r * x_stride + k]);
      for (int v = 0; v < kVectors; ++v) acc[r][v] = fma(a, w[v], acc[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) store(sums + r * kPanelColumns + v * kLanes, acc[r][v]);
}

struct TileF32 {
  template <int kRows>
  static void run(const ProductF32& product, std::int64_t panel, std::int64_t row) {
    constexpr int kTileColumns = tile_vectors(kRows) * kLanes;
    alignas(64) float sums[kRows * kPanelColumns];
    const std::int64_t width = panel_width(product.output, panel);
    const float* weights = product.panels + panel * product.panel_elements;
    for (std::int64_t column = 0; column < width; column += kTileColumns)
      tile_f32<kRows>(product.x + row * product.x_stride, product.x_stride, product.inputs,
                      weights + column, sums + column);
    for (int r = 0; r < kRows; ++r)
      finish_row(product.output, sums + r * kPanelColumns, row + r, panel * kPanelColumns, width);
  }
};

void product_f32(const ProductF32& product, std::int64_t panel, std::int64_t row_begin,
                 std::int64_t row_end) {
  walk_rows<TileF32>(product, panel, row_begin, row_end);
}

}  // namespace
}  // namespace tandem::cpu
