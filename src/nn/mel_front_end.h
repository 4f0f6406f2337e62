// The front end of Whisper's encoder (Radford et al. 2022, arXiv 2212.04356, section 2.2): two
// convolutions of width 3 over a log-mel spectrum, the second with stride 2, each padded by one
// frame of zeros and followed by GELU; then positions from a table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tandem/features.h>

#include "kernels/backend.h"
#include "nn/convolution.h"
#include "nn/memory.h"
#include "nn/workspace.h"

namespace tandem {

class MelFrontEnd {
 public:
  static constexpr std::int64_t kKernel = 3;
  static constexpr std::size_t kConvolutions = 2;

  MelFrontEnd() = default;
  // `convolutions`: the two, as Convolution takes them; `positions` [P, D].
  MelFrontEnd(Backend& backend, std::span<const LinearWeights> convolutions, Parameter positions,
              ComputeType type);

  std::int64_t channels() const { return first_.channels(); }
  // Of the encoder, for any input.
  std::int64_t positions() const { return positions_.view().rows(); }
  // What an input must have: the model was trained on windows of one length.
  std::int64_t frames() const { return 2 * positions(); }
  std::size_t bytes() const { return first_.bytes() + second_.bytes(); }  // without positions

  // Throws Error{invalid_argument} for features of another shape than the model's.
  void check(const Features& features) const;
  // x [sources * positions(), D]. Throws Error as check.
  void forward(Backend& backend, std::span<const Features* const> sources, MatrixView x,
               Workspace& workspace) const;

 private:
  Convolution first_, second_;
  Parameter positions_;
};

}  // namespace tandem
