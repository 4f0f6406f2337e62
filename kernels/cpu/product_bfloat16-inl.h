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

// Of 16 registers 3 rows and 4 vectors would need 17: pairs of weights take some.
constexpr int bfloat16_vectors(int rows) {
  return kLanes < 16 && rows == 3 ? 2 : tile_vectors(rows);
}

// Weights `ahead` bytes from those that are read are fetched.
template <int kRows>
inline void tile_bfloat16(const ProductBfloat16& product, const std::int32_t* panel,
                          std::int64_t ahead, std::int64_t row, std::int64_t first_column) {
  constexpr int kVectors = bfloat16_vectors(kRows);
  const std::int64_t x_stride = product.x_stride, inputs = product.inputs;
  const float* x = product.x + row * x_stride;
  Floats acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) acc[r][v] = broadcast(0.0F);
  for (std::int64_t k = 0; k + 1 < inputs; k += 2, panel += kPanelColumns) {
    if (kRows > 1) fetch_columns<kVectors * kLanes>(panel + ahead / 4);
    add_input<kRows, kVectors>(x + k, x_stride, panel, low_bfloat16, acc);
    add_input<kRows, kVectors>(x + k + 1, x_stride, panel, high_bfloat16, acc);
  }
  if (inputs % 2 != 0)
    add_input<kRows, kVectors>(x + inputs - 1, x_stride, panel, low_bfloat16, acc);
  finish_tile<kRows, kVectors>(product.output, acc, row, first_column);
}

struct TileBfloat16 {
  static constexpr int kMostRows = kLanes < 16 ? 5 : 6;

  template <int kRows>
  static void run(const ProductBfloat16& product, std::int64_t panel, std::int64_t row) {
    constexpr int kTileColumns = bfloat16_vectors(kRows) * kLanes;
    const std::int64_t width = panel_width(product.output, panel);
    const auto* pairs =
        reinterpret_cast<const std::int32_t*>(product.panels + panel * product.panel_elements);
    for (std::int64_t column = 0; column < width; column += kTileColumns) {
      const std::int64_t ahead =
          fetch_distance<kTileColumns>(product.output, panel, 2 * product.panel_elements, column);
      tile_bfloat16<kRows>(product, pairs + column, ahead, row, panel * kPanelColumns + column);
    }
  }
};

void product_bfloat16(const ProductBfloat16& product, std::int64_t panel, std::int64_t row_begin,
                      std::int64_t row_end) {
  walk_rows<TileBfloat16>(product, panel, row_begin, row_end);
}

}  // namespace
}  // namespace tandem::cpu
