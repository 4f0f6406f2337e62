// The activations on one number. The formulas are those of kernels/cpu/math-inl.h, which names
// their papers; erfc, exp and tanh are the platform's.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/block.h"

namespace tandem::cuda {

TANDEM_HOST_DEVICE inline float sigmoid(float x) {
  return 1.0F / (1.0F + expf(-x));
}

TANDEM_HOST_DEVICE inline float activated(float x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x < 0.0F ? 0.0F : x;
    case Activation::gelu_erf:
      return 0.5F * x * erfcf(x * -0.707106781F);
    case Activation::gelu_tanh:
      return x * sigmoid(1.59576912F * fmaf(x * x * x, 0.044715F, x));
    case Activation::gelu_sigmoid:
      return x * sigmoid(1.702F * x);
    case Activation::silu:
      return x * sigmoid(x);
    case Activation::tanh:
      return tanhf(x);
  }
  return x;
}

}  // namespace tandem::cuda
