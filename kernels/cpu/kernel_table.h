// The seam between the cpu backend and its instruction sets: plain structs that describe work, and
// a table of functions that do it. Every ISA fills one table (kernels_<isa>.cc); features.cc says
// which one this machine may use.
//
// The files behind the table are compiled with wide instruction flags. They must not instantiate
// any inline function or template with external linkage (std:: included): the linker keeps one copy
// of those for the whole program and could keep the one with AVX-512 in it. Hence no constructors,
// no default members and no containers here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/backend.h"

namespace tandem::cpu {

// Columns (output channels) in one panel of packed weights; see packed_linear.h.
inline constexpr std::int64_t kPanelColumns = 64;

// What happens to finished sums: y = activation(sum + bias) + residual.
struct ProductOutput {
  const float* bias;      // one for each packed column, padding included
  const float* residual;  // row 0, or null
  std::int64_t residual_stride;
  float* out;
  std::int64_t out_stride;
  std::int64_t columns;  // columns that exist; the last panel may be partly padding
  Activation activation;
};

struct ProductF32 {
  const float* x;  // [rows, inputs]
  std::int64_t x_stride;
  const float* panels;
  std::int64_t panel_elements;
  std::int64_t inputs;
  ProductOutput output;
};

struct ProductBfloat16 {
  const float* x;  // [rows, inputs]
  std::int64_t x_stride;
  const std::uint16_t* panels;
  std::int64_t panel_elements;
  std::int64_t inputs;
  ProductOutput output;
};

struct QuantizedRow {
  float factor;        // what its sums are multiplied by: 1 / s, or 1; NaN if x is not finite
  // Added to each sum of the row: what product_int8_bytes-inl.h takes away where x < 0; 0 in the
  // other forms.
  std::int32_t start;
};

struct ProductInt8 {
  const void* x;  // rows written by quantize_row
  std::int64_t x_stride_bytes;
  const QuantizedRow* rows;  // what it returned for each
  const std::int8_t* panels;
  std::int64_t panel_bytes;
  const std::int32_t* column_sums;  // sum over the inputs of each packed column
  const float* column_factors;      // and those of each column
  std::int64_t groups;              // groups of 4 inputs
  ProductOutput output;
};

// Consecutive queries of one group and one head of attention. Keys and values are stored as
// `Stored`, float or Float16.
template <class Stored>
struct AttendHead {
  const float* query;  // the first one
  std::int64_t query_stride;
  std::int64_t num_queries;
  const Stored* keys;  // of this head: key j starts at keys + slot(j) * key_stride
  std::int64_t key_stride;
  const Stored* values;
  std::int64_t value_stride;
  const std::int32_t* slots;  // null: slot(j) = j
  std::int64_t num_keys;      // that the first query sees
  std::int64_t more_keys;     // that each query sees more than the one before it: 0 or 1
  std::int64_t head_dim;
  float scale;
  // Null, or this head's bias of distance 0: key j adds bias[clamp(j - position, -reach, reach)].
  const float* bias;
  std::int64_t position;  // of the first query
  std::int64_t reach;
  float* out;  // [head_dim] for each query
  std::int64_t out_stride;
  float* const* weights;  // null, or for each query null or where its softmax goes
  // Scratch: kAttendBlock rows for the scores of as many queries, all keys rounded up to whole
  // vectors; and as much for each of the head_dim columns of the keys.
  float* scores;
  std::int64_t scores_stride;
  float* transposed;
};

// Keys and values, with the strides of others that are read before them.
template <class Stored>
struct NextKeys {
  const Stored* keys;  // of the first head
  const Stored* values;
  const std::int32_t* slots;  // as in AttendHead
  std::int64_t num_keys;      // 0: none
};

// One query in several heads of attention.
template <class Stored>
struct AttendRow {
  AttendHead<Stored>
      first;  // one query; `scores` has a row for each head, `weights` and `transposed` null
  std::int64_t num_heads;
  std::int64_t bias_stride;  // from one head's bias to the next
  NextKeys<Stored> next;     // what the next row will read: fetched while this one is computed
};

// Queries whose values are read together.
inline constexpr std::int64_t kAttendBlock = 6;

// score(x) = ((x - first) - second) - third, evaluated in this order: a log-softmax (first = max,
// second = log of the sum), perhaps renormalised once more (third), or the identity (zeros).
struct ScoreShift {
  float first;
  float second;
  float third;
};

struct RankedColumn {
  float score;
  std::int32_t column;
};

struct Kernels {
  // Rows [row_begin, row_end) times one panel. Every output is one chain of additions over the
  // inputs in ascending order, whatever the rows around it.
  void (*product_f32)(const ProductF32& product, std::int64_t panel, std::int64_t row_begin,
                      std::int64_t row_end);
  void (*product_bfloat16)(const ProductBfloat16& product, std::int64_t panel,
                           std::int64_t row_begin, std::int64_t row_end);
  void (*product_int8)(const ProductInt8& product, std::int64_t panel, std::int64_t row_begin,
                       std::int64_t row_end);
  // Writes n inputs as int8 steps in the form that product_int8 reads, zeros up to 4 * groups and
  // perhaps further, to a multiple of 64 bytes.
  // `scale` 0 means 127 / max|x|.
  QuantizedRow (*quantize_row)(const float* x, std::int64_t n, std::int64_t groups, float scale,
                               void* q);
  std::int64_t quantized_group_bytes;  // bytes of 4 quantised inputs

  void (*layer_norm)(const float* x, const float* gain, const float* bias, float epsilon,
                     std::int64_t n, float* out);
  void (*rms_norm)(const float* x, const float* gain, float epsilon, std::int64_t n, float* out);
  // out = scale * a + b; a null a or b counts as zeros.
  void (*scale_add)(const float* a, float scale, const float* b, std::int64_t n, float* out);
  void (*activate)(const float* x, Activation activation, std::int64_t n, float* out);
  void (*add)(const float* a, const float* b, std::int64_t n, float* out);
  void (*multiply)(const float* a, const float* b, std::int64_t n, float* out);
  // As float_to_half. Null, like the other two of float16, where the CPU does not convert it.
  void (*round_to_float16)(const float* x, std::int64_t n, Float16* out);
  // One row of Backend::ssru; a null previous counts as zeros.
  void (*ssru)(const float* candidate, const float* forget, const float* previous, std::int64_t n,
               float* state, float* out);
  void (*attend)(const AttendHead<float>& head);
  void (*attend_row)(const AttendRow<float>& row);
  void (*attend_float16)(const AttendHead<Float16>& head);
  void (*attend_row_float16)(const AttendRow<Float16>& row);

  // The largest element (-inf when n is 0); undefined if there is a NaN.
  float (*max)(const float* x, std::int64_t n);
  // Sum of exp(score(x)): NaN if any x is a NaN.
  float (*sum_exp)(const float* x, std::int64_t n, const ScoreShift& shift);
  // The first column whose score is `value`, which none exceeds; n if there is none.
  std::int64_t (*find_score)(const float* x, std::int64_t n, const ScoreShift& shift, float value);
  // The k best columns with score > -inf, best first, ties by lower column. Returns how many.
  std::int64_t (*top_k)(const float* x, std::int64_t n, const ScoreShift& shift, std::int64_t k,
                        RankedColumn* best);
};

const Kernels& baseline_kernels();
#if defined(__x86_64__)
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& avx512_vnni_kernels();
#endif

}  // namespace tandem::cpu
