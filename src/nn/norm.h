// Normalisation and where it stands in a residual sub-layer.
//
//   layer norm   gain * (x - mean) / sqrt(variance + epsilon) + bias    Ba et al. 2016, 1607.06450
//   rms norm     gain * x / sqrt(mean(x^2) + epsilon)          Zhang, Sennrich 2019, 1910.07467
//   post         x = norm(x + f(x))                            Vaswani et al. 2017, 1706.03762
//   pre          x = x + f(norm(x))                            Xiong et al. 2020, 2002.04745
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "nn/memory.h"

namespace tandem {

enum class NormKind : std::uint8_t {
  layer,           // mean and variance, gain and bias
  layer_no_bias,   // Moonshine
  rms,             // T5
  rms_unit_offset  // gain is 1 + w: T5Gemma
};

struct NormWeights {
  Tensor gain;  // [D]
  Tensor bias;  // [D], or empty
};

// One norm over the columns of each row. Immutable.
class Norm {
 public:
  Norm() = default;
  Norm(Backend& backend, const NormWeights& weights, float epsilon, NormKind kind = NormKind::layer)
      : gain_(backend, weights.gain),
        bias_(backend, weights.bias),
        epsilon_(epsilon),
        kind_(kind) {}

  bool empty() const { return gain_.empty(); }
  // x, out [N, D]; out may be x.
  void forward(Backend& backend, ConstMatrixView x, MatrixView out) const {
    if (kind_ == NormKind::rms)
      backend.rms_norm(x, gain_.view(), epsilon_, out);
    else
      backend.layer_norm(x, gain_.view(), bias_.view(), epsilon_, out);
  }

 private:
  Parameter gain_;
  Parameter bias_;
  float epsilon_ = 0;
  NormKind kind_ = NormKind::layer;
};

enum class NormPlacement { post, pre };

// The norm of one residual sub-layer: a block calls `before` for its input and `after` once it has
// added its result to the residual stream, and need not know which of them does something.
class SublayerNorm {
 public:
  SublayerNorm() = default;
  SublayerNorm(Norm norm, NormPlacement placement)
      : norm_(std::move(norm)), placement_(placement) {}

  // What the block reads: `x` itself, or its normalised copy in `scratch`.
  ConstMatrixView before(Backend& backend, ConstMatrixView x, Scratch& scratch) const {
    if (placement_ == NormPlacement::post) return x;
    const MatrixView normed = scratch.matrix(backend, x.rows(), x.cols());
    norm_.forward(backend, x, normed);
    return normed;
  }
  void after(Backend& backend, MatrixView x) const {
    if (placement_ == NormPlacement::post) norm_.forward(backend, x, x);
  }

 private:
  Norm norm_;
  NormPlacement placement_ = NormPlacement::post;
};

}  // namespace tandem
