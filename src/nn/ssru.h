// Simpler simple recurrent unit in place of the decoder's self-attention: Kim et al. 2019, "From
// Research to Production and Back: Ludicrously Fast Neural Machine Translation" (arXiv 1911.00367).
//
//   f = sigmoid(W_f x + b_f);   c = f * c_previous + (1 - f) * (W x);   x + relu(c)
//
// The state c is one vector for each position, kept in the slots of decoder_state.h (kind
// recurrent): O(1) work a step whatever the length, and rolling back is reading an earlier slot.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/backend.h"
#include "nn/kv_cache.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/workspace.h"

namespace tandem {

struct SsruWeights {
  LinearWeights candidate;  // W [D, D], without bias
  LinearWeights forget;     // W_f [D, D], b_f
  NormWeights norm;
  std::string name;  // of the sub-layer in its file, for messages
};

class Ssru {
 public:
  Ssru(Backend& backend, const SsruWeights& weights, SublayerNorm norm, ComputeType type);

  // x [N, D], the residual stream, is updated; `state` is [slots, state_columns()].
  void decode(Backend& backend, MatrixView x, const StepBatch& batch, MatrixView state,
              Workspace& workspace) const;

  std::int64_t state_columns() const { return candidate_forget_.outputs() / 2; }
  std::size_t bytes() const { return candidate_forget_.bytes(); }

 private:
  Linear candidate_forget_;  // [2 * D, D]
  SublayerNorm norm_;
};

}  // namespace tandem
