// Turns the weights of a product, in whatever form a file gave them, into the three forms that
// packing starts from. Shared by all backends, so that they agree on every quantised weight.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace tandem {

// int8 weights with one scale for each output: value = q * scale.
struct Int8Rows {
  Tensor weight;                      // [N_out, K] int8
  std::vector<float> scales;          // N_out
  std::vector<float> product_scales;  // N_out; empty without an activation scale
};

// Throws Error{corrupt} if the shapes, types or scales contradict each other.
void check_linear_weights(const LinearWeights& weights);

// [N_out, K] float32; int8 weights become q * scale.
Tensor float32_rows(const LinearWeights& weights);

// [N_out, K] bfloat16, the nearest to the float32 weights.
Tensor bfloat16_rows(const LinearWeights& weights);

// [N_out, K] float16, likewise. Throws Error{unsupported} for a finite weight above 65504.
Tensor float16_rows(const LinearWeights& weights);

// Floating-point weights become q = round_half_even(w / scale), scale = max|w| / 127 of their row.
Int8Rows int8_rows(const LinearWeights& weights);

}  // namespace tandem
