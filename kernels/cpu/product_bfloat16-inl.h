// bfloat16 products of packed panels: weights are widened to float32, which is exact, and
// multiplied as in product_f32-inl.h, in the same order. Half the bytes of float32 for one shift or
// mask a vector. Include after product_tiles-inl.h.
//
// Why not vdpbf16ps, which does twice the work of a fused multiply-add: it rounds the activations
// to 8 bits as well, flushes small numbers to zero, and gives other bits than any other
// instruction set. Few rows are bound by memory, where it gains nothing; for many, int8 is faster.
#pragma once

namespace tandem::cpu {
namespace {

// One input k of all columns of the tile: `widen` takes it from pairs of inputs.
template <int kRows, int kVectors, class Widen>
inline void add_input(const float* x, std::int64_t x_stride, const std::int32_t* pairs, Widen widen,
                      Floats (&acc)[kRows][kVectors]) {
  Floats w[kVectors];
  for (int v = 0; v < kVectors; ++v) w[v] = widen(load_ints(pairs + v * kLanes));
  for (int r = 0; r < kRows; ++r) {
    const Floats a = broadcast(x[r * x_stride]);
    for (int v = 0; v < kVectors; ++v) acc[r][v] = fma(a, w[v], acc[r][v]);
  }
}

struct TileBfloat16 {
  static constexpr int kMostRows = kLanes < 16 ? 5 : 6;
  static constexpr int kStripRows = 0;  // panels are walked whole
  // Of 16 registers 3 rows and 4 vectors would need 17: pairs of weights take some.
  template <int kRows>
  static constexpr int vectors() {
    return kLanes < 16 && kRows == 3 ? 2 : tile_vectors(kRows);
  }

  template <int kRows, int kLines>
  static void run(const ProductBfloat16& product, const char* weights, const char* ahead,
                  std::int64_t row, std::int64_t column) {
    constexpr int kVectors = vectors<kRows>();
    const std::int64_t x_stride = product.x_stride, inputs = product.inputs;
    const float* x = product.x + row * x_stride;
    const auto* pairs = reinterpret_cast<const std::int32_t*>(weights);
    Floats acc[kRows][kVectors];
    for (int r = 0; r < kRows; ++r)
      for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast(0.0F);
    for (std::int64_t k = 0; k + 1 < inputs; k += 2, pairs += kPanelColumns) {
      fetch_lines<kLines>(ahead + k / 2 * kGroupBytes);
      add_input<kRows, kVectors>(x + k, x_stride, pairs, low_bfloat16, acc);
      add_input<kRows, kVectors>(x + k + 1, x_stride, pairs, high_bfloat16, acc);
    }
    if (inputs % 2 != 0)
      add_input<kRows, kVectors>(x + inputs - 1, x_stride, pairs, low_bfloat16, acc);
    finish_tile<kRows, kVectors>(product.output, acc, row, column);
  }
};

void product_bfloat16(const ProductBfloat16& product, std::int64_t panel, std::int64_t row_begin,
                      std::int64_t row_end) {
  walk_rows<TileBfloat16>(product, panel, row_begin, row_end);
}

}  // namespace
}  // namespace tandem::cpu
