// float32 products of packed panels. Include after product_tiles-inl.h.
#pragma once

namespace tandem::cpu {
namespace {

struct TileF32 {
  static constexpr int kMostRows = 6;
  static constexpr int kStripRows = 0;  // panels are walked whole
  template <int kRows>
  static constexpr int vectors() {
    return tile_vectors(kRows);
  }

  template <int kRows, int kLines>
  static void run(const ProductF32& product, const char* weights, const char* ahead,
                  std::int64_t row, std::int64_t column) {
    constexpr int kVectors = vectors<kRows>();
    const std::int64_t x_stride = product.x_stride;
    const float* x = product.x + row * x_stride;
    Floats acc[kRows][kVectors];
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast(0.0F);
    for (std::int64_t k = 0; k < product.inputs; ++k, weights += kGroupBytes) {
      const auto* lanes = reinterpret_cast<const float*>(weights);
      Floats w[kVectors];
      for (int v = 0; v < kVectors; ++v)
        w[v] = kLanes == 16 ? in_register(load(lanes + v * kLanes)) : load(lanes + v * kLanes);
      fetch_lines<kLines>(ahead + k * kGroupBytes);
      for (int r = 0; r < kRows; ++r) {
        const Floats a = broadcast(x[r * x_stride + k]);
        for (int v = 0; v < kVectors; ++v) acc[r][v] = fma(a, w[v], acc[r][v]);
      }
    }
    finish_tile<kRows, kVectors>(product.output, acc, row, column);
  }
};

void product_f32(const ProductF32& product, std::int64_t panel, std::int64_t row_begin,
                 std::int64_t row_end) {
  walk_rows<TileF32>(product, panel, row_begin, row_end);
}

}  // namespace
}  // namespace tandem::cpu
