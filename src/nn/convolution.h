// A convolution over time, as one product: frames stand one after another in memory, so the window
// of an output frame is a contiguous row that overlaps with the next one, and no window is copied.
//
//   out[t] = activation(W . concat(x[t * stride], ..., x[t * stride + kernel - 1]) + b)
//
// Used by the front end of Whisper (Radford et al. 2022, arXiv 2212.04356, section 2.2).
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "nn/linear.h"

namespace tandem {

class Convolution {
 public:
  Convolution() = default;
  // `weights`: [N_out, kernel * C], the kernel's position outermost (convolution_weights).
  Convolution(Backend& backend, const LinearWeights& weights, std::int64_t kernel,
              std::int64_t stride, Activation activation, ComputeType type);

  std::int64_t channels() const { return product_.inputs() / kernel_; }
  std::int64_t outputs() const { return product_.outputs(); }
  std::size_t bytes() const { return product_.bytes(); }
  // Output frames for `frames` input frames, the padding included.
  std::int64_t output_frames(std::int64_t frames) const {
    return frames < kernel_ ? 0 : (frames - kernel_) / stride_ + 1;
  }

  // x [T, C] without gaps between rows and with its padding in place; out [output_frames(T),
  // N_out].
  void forward(Backend& backend, ConstMatrixView x, MatrixView out) const;

 private:
  Linear product_;
  std::int64_t kernel_ = 1, stride_ = 1;
  Activation activation_ = Activation::none;
};

// A checkpoint's [N_out, C, kernel] float32 in the order that Convolution takes.
Tensor convolution_weights(const Tensor& stored);

}  // namespace tandem
