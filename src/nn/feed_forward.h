// The position-wise feed-forward sub-layer: x + W_n(... act(W_1 x)), Vaswani et al. 2017, section
// 3.3, with any depth of at least two products (Marian's transformer-ffn-depth).
#pragma once

#include <vector>

#include "kernels/backend.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/workspace.h"

namespace tandem {

struct FeedForwardWeights {
  std::vector<LinearWeights> linears;  // in order; the last gives [D]
  NormWeights norm;
};

class FeedForward {
 public:
  FeedForward(Backend& backend, const FeedForwardWeights& weights, Activation activation,
              SublayerNorm norm, ComputeType type);

  // x [N, D], the residual stream, is updated.
  void forward(Backend& backend, MatrixView x, Workspace& workspace) const;
  std::size_t bytes() const;

 private:
  std::vector<Linear> linears_;
  Activation activation_;
  SublayerNorm norm_;
};

}  // namespace tandem
