// What the products of float32 and int8 have in common: the walk over tiles of rows and the
// epilogue. Include after one simd_*.h and math-inl.h.
//
// A tile holds kRows x (kVectors * kLanes) sums in registers and walks the inputs once; its shape
// changes which sums are computed together, never the order of the additions in one.
#pragma once

// Before a loop over the sums of a tile: unrolled early, so that the sums never leave the registers
// (g++ 12 otherwise writes all of them to the stack before and after the walk, 15 % of a tile).
#define TANDEM_UNROLL _Pragma("GCC unroll 16")

namespace tandem::cpu {
namespace {

// How far ahead a tile that reads a whole panel fetches weights: 4 KiB, one page. Only worth it
// when a tile has several rows; with one row the hardware prefetcher keeps up with the stream.
// Measured: bench/kernels_bench.cc.
constexpr std::int64_t kPrefetchBytes = 4096;

// Bytes from what a tile of kTileColumns columns reads to what it fetches, where a panel has 4
// bytes of each column side by side. A tile that is narrower than its panel leaves lines out, so
// that the hardware does not fetch for it, and walks all inputs before it turns to the columns
// beside: those it fetches, and in the end the first ones of the next panel.
template <int kTileColumns>
inline std::int64_t fetch_distance(const ProductOutput& output, std::int64_t panel,
                                   std::int64_t panel_bytes, std::int64_t column) {
  if constexpr (kTileColumns == kPanelColumns) return kPrefetchBytes;
  const std::int64_t left = output.columns - panel * kPanelColumns;
  if (column + kTileColumns < kPanelColumns && column + kTileColumns < left)
    return 4 * kTileColumns;
  return left <= kPanelColumns ? 0 : panel_bytes - 4 * column;
}

// Fetches 4 bytes of kTileColumns columns: to L1, or to L2 if they are read only after the rest of
// the inputs.
template <int kTileColumns>
inline void fetch_columns(const void* first) {
  for (int byte = 0; byte < 4 * kTileColumns; byte += 64) {
    const char* line = static_cast<const char*>(first) + byte;
    kTileColumns == kPanelColumns ? prefetch(line) : prefetch_far(line);
  }
}

// Vectors of a tile for a number of rows: as wide as the registers allow (32 with AVX-512, else
// 16), so that a narrow product still has enough independent sums to hide the latency of an
// addition.
constexpr int tile_vectors(int rows) {
  constexpr int kAll = static_cast<int>(kPanelColumns) / kLanes;
  const int by_registers = kLanes == 16 ? 4 : rows == 1 ? 8 : rows <= 3 ? 4 : 2;
  return by_registers < kAll ? by_registers : kAll;
}

// Calls Tile::run<r>(product, panel, row) for tiles of r rows, at most Tile::kMostRows (from 1 to
// 6), that cover [row_begin, row_end): as few as possible and of nearly equal height, since one of
// one or two rows takes as long to read the weights as a tall one takes for all.
template <class Tile, class Product>
inline void walk_rows(const Product& product, std::int64_t panel, std::int64_t row_begin,
                      std::int64_t row_end) {
  const std::int64_t rows = row_end - row_begin;
  const std::int64_t tiles = (rows + Tile::kMostRows - 1) / Tile::kMostRows;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t begin = rows * tile / tiles, count = rows * (tile + 1) / tiles - begin;
    const std::int64_t row = row_begin + begin;
    switch (count) {
      case 6:
        if constexpr (Tile::kMostRows > 5) Tile::template run<6>(product, panel, row);
        break;
      case 5:
        if constexpr (Tile::kMostRows > 4) Tile::template run<5>(product, panel, row);
        break;
      case 4:
        Tile::template run<4>(product, panel, row);
        break;
      case 3:
        Tile::template run<3>(product, panel, row);
        break;
      case 2:
        Tile::template run<2>(product, panel, row);
        break;
      default:
        Tile::template run<1>(product, panel, row);
        break;
    }
  }
}

// y = activation(sum + bias) + residual for `count` columns of one row.
inline void finish_row(const ProductOutput& output, const float* sums, std::int64_t row,
                       std::int64_t first_column, std::int64_t count) {
  const float* bias = output.bias + first_column;
  const float* residual = output.residual == nullptr
                              ? nullptr
                              : output.residual + row * output.residual_stride + first_column;
  float* out = output.out + row * output.out_stride + first_column;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const std::int64_t lanes = count - i < kLanes ? count - i : kLanes;
    Floats y = load(sums + i) + load(bias + i);
    if (output.activation != Activation::none) y = activated(y, output.activation);
    if (lanes == kLanes) {
      if (residual != nullptr) y = y + load(residual + i);
      store(out + i, y);
    } else {
      if (residual != nullptr) y = y + load_first(residual + i, lanes);
      store_first(out + i, y, lanes);
    }
  }
}

// The same for all sums of a tile, which begins at `row` and `column` of the output: straight from
// the registers where nothing has to be cut off and the activation is none or a maximum.
template <int kRows, int kVectors>
inline void finish_tile(const ProductOutput& output, const Floats (&sums)[kRows][kVectors],
                        std::int64_t row, std::int64_t column) {
  constexpr std::int64_t kColumns = kVectors * kLanes;
  const std::int64_t left = output.columns - column;
  const bool simple =
      output.activation == Activation::none || output.activation == Activation::relu;
  if (left < kColumns || !simple) {
    for (int r = 0; r < kRows; ++r) {
      alignas(64) float buffer[kColumns];
      for (int v = 0; v < kVectors; ++v) store(buffer + v * kLanes, sums[r][v]);
      finish_row(output, buffer, row + r, column, left < kColumns ? left : kColumns);
    }
    return;
  }
  // A maximum with -infinity changes nothing, not even a NaN, which is the second operand.
  const Floats least = broadcast(output.activation == Activation::relu ? 0.0F : -__builtin_inff());
  TANDEM_UNROLL
  for (int r = 0; r < kRows; ++r) {
    float* out = output.out + (row + r) * output.out_stride + column;
    const float* residual = output.residual == nullptr
                                ? nullptr
                                : output.residual + (row + r) * output.residual_stride + column;
    TANDEM_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Floats y = max_of(least, sums[r][v] + load(output.bias + column + v * kLanes));
      store(out + v * kLanes, residual == nullptr ? y : y + load(residual + v * kLanes));
    }
  }
}

inline std::int64_t panel_width(const ProductOutput& output, std::int64_t panel) {
  const std::int64_t left = output.columns - panel * kPanelColumns;
  return left < kPanelColumns ? left : kPanelColumns;
}

// Integer sums to floats: y = sum * (row factor * column factor), then as above. One multiplication
// and one addition, never fused, so that every instruction set gives the same bits.
template <int kRows, int kVectors>
inline void finish_tile_int8(const ProductInt8& product, const Ints (&sums)[kRows][kVectors],
                             std::int64_t row, std::int64_t column) {
  Floats scaled[kRows][kVectors];
  TANDEM_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Floats column_factors = load(product.column_factors + column + v * kLanes);
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r)
      scaled[r][v] =
          to_float(sums[r][v]) * (broadcast(product.row_factors[row + r]) * column_factors);
  }
  finish_tile<kRows, kVectors>(product.output, scaled, row, column);
}

}  // namespace
}  // namespace tandem::cpu
