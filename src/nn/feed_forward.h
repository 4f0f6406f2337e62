// The position-wise feed-forward sub-layer, with any depth of at least two products (Marian's
// transformer-ffn-depth).
//
//   plain   x + W_n(... act(W_1 x))             Vaswani et al. 2017, section 3.3
//   gated   x + W_n(... act(G x) * (W_1 x))     Shazeer 2020, arXiv 2002.05202: T5 v1.1
#pragma once

#include <vector>

#include "kernels/backend.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/workspace.h"

namespace tandem {

struct FeedForwardWeights {
  std::vector<LinearWeights> linears;  // in order; the last gives [D]
  LinearWeights gate;                  // G [F, D]; an empty weight: not gated
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
  // inner = act(G input) * (W_1 input)
  void forward_gated(Backend& backend, ConstMatrixView input, MatrixView inner,
                     Workspace& workspace) const;

  std::vector<Linear> linears_;
  Linear gate_;
  Activation activation_;
  SublayerNorm norm_;
};

}  // namespace tandem
