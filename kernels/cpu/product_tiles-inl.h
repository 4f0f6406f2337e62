// What the products of all types have in common: the walk over tiles of rows and the
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

// A group is what one step of a tile reads of a whole panel, 4 bytes of each column: an input in
// float32, two in bfloat16, four in int8.
constexpr std::int64_t kGroupBytes = 4 * kPanelColumns;
constexpr std::int64_t kLineBytes = 64;
constexpr int kGroupLines = static_cast<int>(kGroupBytes / kLineBytes);

inline const char* panel_start(const ProductF32& product, std::int64_t panel) {
  return reinterpret_cast<const char*>(product.panels + panel * product.panel_elements);
}
inline const char* panel_start(const ProductBfloat16& product, std::int64_t panel) {
  return reinterpret_cast<const char*>(product.panels + panel * product.panel_elements);
}
inline const char* panel_start(const ProductInt8& product, std::int64_t panel) {
  return reinterpret_cast<const char*>(product.panels + panel * product.panel_bytes);
}

inline std::int64_t panel_width(const ProductOutput& output, std::int64_t panel) {
  const std::int64_t left = output.columns - panel * kPanelColumns;
  return left < kPanelColumns ? left : kPanelColumns;
}

// Where the panel after this one begins; the last one again where there is none.
template <class Product>
inline const char* next_panel(const Product& product, std::int64_t panel) {
  const bool is_last = (panel + 1) * kPanelColumns >= product.output.columns;
  return panel_start(product, is_last ? panel : panel + 1);
}

// Fetches kLines lines of a group into L2.
template <int kLines>
inline void fetch_lines(const char* first) {
  for (int line = 0; line < kLines; ++line) prefetch_far(first + line * kLineBytes);
}

// Vectors of a tile for a number of rows: as wide as the registers allow (32 with AVX-512, else
// 16), so that a narrow product still has enough independent sums to hide the latency of an
// addition.
constexpr int tile_vectors(int rows) {
  constexpr int kAll = static_cast<int>(kPanelColumns) / kLanes;
  const int by_registers = kLanes == 16 ? 4 : rows == 1 ? 8 : rows <= 3 ? 4 : 2;
  return by_registers < kAll ? by_registers : kAll;
}

// One tile of kRows rows over all columns of a panel, by
// Tile::run<kRows, kLines>(product, weights, ahead, row, column), which reads `weights` from its
// first column on and fetches kLines lines of each group from `ahead` on. As wide as the panel, it
// fetches what the walk over the rows says. Narrower, it leaves lines out, so that the hardware
// does not fetch for it, and walks all inputs before it turns to the columns beside: those it
// fetches, and in the end the first ones of the next panel. With one row it is no faster than
// memory, and the hardware fetches for it.
template <class Tile, int kRows, int kLines, class Product>
inline void walk_columns(const Product& product, std::int64_t panel, std::int64_t row,
                         const char* ahead) {
  constexpr int kColumns = Tile::template vectors<kRows>() * kLanes;
  const char* weights = panel_start(product, panel);
  const std::int64_t first = panel * kPanelColumns;
  if constexpr (kColumns == kPanelColumns) {
    Tile::template run<kRows, kLines>(product, weights, ahead, row, first);
  } else {
    constexpr int kBeside =
        kRows == 1 ? 0 : static_cast<int>((4 * kColumns + kLineBytes - 1) / kLineBytes);
    const std::int64_t width = panel_width(product.output, panel);
    for (std::int64_t column = 0; column < width; column += kColumns) {
      const bool is_last = column + kColumns >= width;
      Tile::template run<kRows, kBeside>(
          product, weights + 4 * column,
          is_last ? next_panel(product, panel) : weights + 4 * (column + kColumns), row,
          first + column);
    }
  }
}

// The same for a number of rows, at least kLeast and at most Tile::kMostRows.
template <class Tile, int kLeast, int kLines, class Product>
inline void walk_columns(const Product& product, std::int64_t panel, std::int64_t row,
                         std::int64_t rows, const char* ahead) {
  if constexpr (kLeast < Tile::kMostRows) {
    if (rows > kLeast)
      return walk_columns<Tile, kLeast + 1, kLines>(product, panel, row, rows, ahead);
  }
  walk_columns<Tile, kLeast, kLines>(product, panel, row, ahead);
}

// The other way round, for more rows than a tile has: strips of a panel, which stay in L1, meet all
// rows, in tiles of at most Tile::kStripRows that need fewer activations for as many sums. Every
// other tile fetches the same half of the strip beside.
template <class Tile, class Product>
inline void walk_strips(const Product& product, std::int64_t panel, std::int64_t row_begin,
                        std::int64_t row_end) {
  constexpr int kRows = Tile::kStripRows;
  constexpr int kColumns = Tile::template vectors<kRows>() * kLanes;
  constexpr int kLines = static_cast<int>(4 * kColumns / kLineBytes) / 2;
  const std::int64_t rows = row_end - row_begin, tiles = (rows + kRows - 1) / kRows;
  const std::int64_t width = panel_width(product.output, panel), first = panel * kPanelColumns;
  const char* weights = panel_start(product, panel);
  for (std::int64_t column = 0; column < width; column += kColumns, weights += 4 * kColumns) {
    const bool is_last = column + kColumns >= width;
    const char* beside = is_last ? next_panel(product, panel) : weights + 4 * kColumns;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t begin = rows * tile / tiles, count = rows * (tile + 1) / tiles - begin;
      const std::int64_t row = row_begin + begin;
      const char* ahead = beside + tile % 2 * kLines * kLineBytes;
      if (count == kRows)
        Tile::template run<kRows, kLines>(product, weights, ahead, row, first + column);
      else
        Tile::template run<kRows - 1, kLines>(product, weights, ahead, row, first + column);
    }
  }
}

// Bytes of a panel: with the one before it, half of an L2 of 1 MiB.
constexpr std::int64_t kMostFetched = 256 * 1024;

// Tiles that cover [row_begin, row_end): as few as possible and of nearly equal height, since one
// of one or two rows takes as long to read the weights as a tall one takes for all. A single tile
// leaves fetching to the hardware, which keeps up with one stream of addresses; fetching besides
// takes a quarter longer. Several share the lines of the next panel, so that memory works while
// they compute and the next first tile finds its weights in L2.
template <class Tile, class Product>
inline void walk_rows(const Product& product, std::int64_t panel, std::int64_t row_begin,
                      std::int64_t row_end) {
  const std::int64_t rows = row_end - row_begin;
  if constexpr (Tile::kStripRows > 0) {
    if (rows > Tile::kMostRows) return walk_strips<Tile>(product, panel, row_begin, row_end);
  }
  const std::int64_t tiles = (rows + Tile::kMostRows - 1) / Tile::kMostRows;
  const char *own = panel_start(product, panel), *next = next_panel(product, panel);
  const bool fetches = tiles > 1 && next - own <= kMostFetched;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    constexpr int kLeast = (Tile::kMostRows + 1) / 2;  // rows of a tile that is not the only one
    const std::int64_t begin = rows * tile / tiles, count = rows * (tile + 1) / tiles - begin;
    const std::int64_t row = row_begin + begin;
    if (!fetches)
      walk_columns<Tile, 1, 0>(product, panel, row, count, next);
    else if (tiles < kGroupLines)
      walk_columns<Tile, kLeast, 2>(product, panel, row, count, next + tile % 2 * 2 * kLineBytes);
    else
      walk_columns<Tile, kLeast, 1>(product, panel, row, count,
                                    next + tile % kGroupLines * kLineBytes);
  }
}

// y = activation(sum + bias) + residual for `count` columns of one row. Never inlined: a tile has
// one call for each of its rows.
[[gnu::noinline]] void finish_row(const ProductOutput& output, const float* sums, std::int64_t row,
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
// the registers where nothing has to be cut off and the activation is none or a maximum. Always
// inlined: as an argument the sums would go through memory, a cycle for each of 24 vectors, where a
// whole tile of 192 inputs in int8 takes 1,200.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void finish_tile(const ProductOutput& output,
                                               const Floats (&sums)[kRows][kVectors],
                                               std::int64_t row, std::int64_t column) {
  constexpr std::int64_t kColumns = kVectors * kLanes;
  const std::int64_t left = output.columns - column;
  const bool simple =
      output.activation == Activation::none || output.activation == Activation::relu;
  if (left < kColumns || !simple) {
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r) {
      alignas(64) float buffer[kColumns];
      TANDEM_UNROLL
      for (int v = 0; v < kVectors; ++v) store(buffer + v * kLanes, sums[r][v]);
      finish_row(output, buffer, row + r, column, left < kColumns ? left : kColumns);
    }
    return;
  }
  // A maximum with -infinity changes nothing, not even a NaN, which is the second operand.
  const Floats least = broadcast(output.activation == Activation::relu ? 0.0F : -__builtin_inff());
  const float* bias = output.bias + column;
  const std::int64_t out_stride = output.out_stride, residual_stride = output.residual_stride;
  float* out = output.out + row * out_stride + column;
  const float* residual = output.residual;
  if (residual == nullptr) {
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r, out += out_stride) {
      TANDEM_UNROLL
      for (int v = 0; v < kVectors; ++v)
        store(out + v * kLanes, max_of(least, sums[r][v] + load(bias + v * kLanes)));
    }
    return;
  }
  residual += row * residual_stride + column;
  TANDEM_UNROLL
  for (int r = 0; r < kRows; ++r, out += out_stride, residual += residual_stride) {
    TANDEM_UNROLL
    for (int v = 0; v < kVectors; ++v)
      store(out + v * kLanes,
            max_of(least, sums[r][v] + load(bias + v * kLanes)) + load(residual + v * kLanes));
  }
}

// Integer sums to floats: y = sum * (row factor * column factor), then as above. One multiplication
// and one addition, never fused, so that every instruction set gives the same bits.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void finish_tile_int8(const ProductInt8& product,
                                                    const Ints (&sums)[kRows][kVectors],
                                                    std::int64_t row, std::int64_t column) {
  Floats scaled[kRows][kVectors];
  TANDEM_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Floats column_factors = load(product.column_factors + column + v * kLanes);
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r)
      scaled[r][v] =
          to_float(sums[r][v]) * (broadcast(product.rows[row + r].factor) * column_factors);
  }
  finish_tile<kRows, kVectors>(product.output, scaled, row, column);
}

}  // namespace
}  // namespace tandem::cpu
