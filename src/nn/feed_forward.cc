#include "nn/feed_forward.h"

#include <utility>

#include "base/check.h"

namespace tandem {

FeedForward::FeedForward(Backend& backend, const FeedForwardWeights& weights, Activation activation,
                         SublayerNorm norm, ComputeType type)
    : activation_(activation), norm_(std::move(norm)) {
  // With a single product the residual stream would be its input and its output at once.
  TANDEM_CHECK(weights.linears.size() >= 2);
  for (const LinearWeights& linear : weights.linears) linears_.emplace_back(backend, linear, type);
  if (!weights.gate.empty()) gate_ = Linear(backend, weights.gate, type);
}

void FeedForward::forward(Backend& backend, MatrixView x, Workspace& workspace) const {
  ConstMatrixView input = norm_.before(backend, x, workspace.normed);
  for (std::size_t i = 0; i + 1 < linears_.size(); ++i) {
    const MatrixView inner =
        workspace.inner[i % 2].matrix(backend, x.rows(), linears_[i].outputs());
    if (i == 0 && !gate_.empty())
      forward_gated(backend, input, inner, workspace);
    else
      linears_[i].forward(backend, input, inner, {.activation = activation_, .residual = {}});
    input = inner;
  }
  linears_.back().forward(backend, input, x, {.activation = Activation::none, .residual = x});
  norm_.after(backend, x);
}

void FeedForward::forward_gated(Backend& backend, ConstMatrixView input, MatrixView inner,
                                Workspace& workspace) const {
  const MatrixView gate = workspace.inner[1].matrix(backend, inner.rows(), inner.cols());
  gate_.forward(backend, input, gate, {.activation = activation_, .residual = {}});
  linears_.front().forward(backend, input, inner);
  backend.multiply(gate, inner, inner);
}

std::size_t FeedForward::bytes() const {
  std::size_t total = gate_.bytes();
  for (const Linear& linear : linears_) total += linear.bytes();
  return total;
}

}  // namespace tandem
