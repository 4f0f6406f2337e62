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

constexpr int kMostRows = 6;
constexpr int kVectors = static_cast<int>(kPanelColumns) / kLanes;
constexpr std::int64_t kLineBytes = 64;
constexpr std::int64_t kGroupBytes = kPanelColumns * 4;  // of 4 inputs: a line for each vector

// Rows [row, row + kRows) times one panel, while kFetched of the 4 lines of each group are fetched
// from `ahead` on: all of them at once into L1, or a share of them for later.
template <int kRows, int kFetched>
void tile_bytes(const ProductInt8& product, std::int64_t panel, std::int64_t row,
                const std::int8_t* ahead) {
  const std::int64_t x_stride = product.x_stride_bytes / 4;
  const auto* x = static_cast<const std::int32_t*>(product.x) + row * x_stride;
  const auto* weights =
      reinterpret_cast<const std::int32_t*>(product.panels + panel * product.panel_bytes);
  const std::int32_t* column_sums = product.column_sums + panel * kPanelColumns;
  Ints acc[kRows][kVectors];
  TANDEM_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Ints start = _mm512_sub_epi32(broadcast_int(0),
                                        _mm512_slli_epi32(load_ints(column_sums + v * kLanes), 7));
    TANDEM_UNROLL
    for (int r = 0; r < kRows; ++r) acc[r][v] = start;
  }
  for (std::int64_t g = 0; g < product.groups; ++g, weights += kPanelColumns) {
    Ints w[kVectors];
    for (int v = 0; v < kVectors; ++v) w[v] = in_register(load_ints(weights + v * kLanes));
    for (int line = 0; line < kFetched; ++line) {
      const std::int8_t* fetched = ahead + g * kGroupBytes + line * kLineBytes;
      kFetched == kVectors ? prefetch(fetched) : prefetch_far(fetched);
    }
    for (int r = 0; r < kRows; ++r) {
      const Ints a = broadcast_int(x[r * x_stride + g]);
      for (int v = 0; v < kVectors; ++v) acc[r][v] = multiply_add_bytes(acc[r][v], a, w[v]);
    }
  }
  finish_tile_int8<kRows, kVectors>(product, acc, row, panel * kPanelColumns);
}

// The same for a number of rows: from 3 on where a panel has several tiles.
template <int kFetched>
void run_tile(const ProductInt8& product, std::int64_t panel, std::int64_t row, std::int64_t rows,
              const std::int8_t* ahead) {
  switch (rows) {
    case 6:
      return tile_bytes<6, kFetched>(product, panel, row, ahead);
    case 5:
      return tile_bytes<5, kFetched>(product, panel, row, ahead);
    case 4:
      return tile_bytes<4, kFetched>(product, panel, row, ahead);
    default:
      return tile_bytes<3, kFetched>(product, panel, row, ahead);
  }
}

// The only tile of a panel. One row alone is no faster than memory, and the hardware fetches for
// it.
void run_only_tile(const ProductInt8& product, std::int64_t panel, std::int64_t row,
                   std::int64_t rows, const std::int8_t* ahead) {
  if (rows == 1)
    tile_bytes<1, 0>(product, panel, row, ahead);
  else if (rows == 2)
    tile_bytes<2, kVectors>(product, panel, row, ahead);
  else
    run_tile<kVectors>(product, panel, row, rows, ahead);
}

// Tiles of nearly equal height. A single one fetches what it will read 4 KiB later. Several share
// the lines of the next panel, so that memory works while they compute and the next first tile
// finds its weights in L2: 32 rows then run at the speed of weights in L2.
void product_bytes(const ProductInt8& product, std::int64_t panel, std::int64_t row_begin,
                   std::int64_t row_end) {
  const std::int64_t rows = row_end - row_begin, tiles = (rows + kMostRows - 1) / kMostRows;
  const std::int8_t* own = product.panels + panel * product.panel_bytes;
  if (tiles == 1) return run_only_tile(product, panel, row_begin, rows, own + kPrefetchBytes);
  const bool is_last = (panel + 1) * kPanelColumns >= product.output.columns;
  const std::int8_t* next = is_last ? own : own + product.panel_bytes;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t begin = rows * tile / tiles, count = rows * (tile + 1) / tiles - begin;
    if (tiles < kVectors)
      run_tile<2>(product, panel, row_begin + begin, count, next + tile % 2 * 2 * kLineBytes);
    else
      run_tile<1>(product, panel, row_begin + begin, count, next + tile % kVectors * kLineBytes);
  }
}

float quantize_row_bytes(const float* x, std::int64_t n, std::int64_t groups, float scale,
                         void* q) {
  const RowScale row = row_scale(x, n, scale);
  auto* bytes = static_cast<std::uint8_t*>(q);
  const __m128i offset = _mm_set1_epi8(-128);  // the same byte as +128
  for (std::int64_t i = 0; i < 4 * groups; i += kLanes) {
    const __m128i steps = _mm_add_epi8(_mm512_cvtepi32_epi8(quantized(x, n, i, row.scale)), offset);
    const std::int64_t lanes = 4 * groups - i;
    _mm_mask_storeu_epi8(bytes + i, lanes < kLanes ? first_lanes(lanes) : __mmask16{0xFFFF}, steps);
  }
  return row.factor;
}

}  // namespace

const Kernels& avx512_vnni_kernels() {
  static const Kernels kTable = [] {
    Kernels table = avx512_kernels();
    table.product_int8 = product_bytes;
    table.quantize_row = quantize_row_bytes;
    table.quantized_group_bytes = 4;
    return table;
  }();
  return kTable;
}

}  // namespace tandem::cpu
