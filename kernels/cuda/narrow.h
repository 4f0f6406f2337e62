// Numbers of 16 bits in kernels: stored as bits, widened exactly, rounded to the nearest with ties
// to even. A device has instructions for both; a host has tensor/dtype.h, which gives the same
// bits.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

#include "kernels/cuda/block.h"
#include "tensor/dtype.h"

namespace tandem::cuda {

struct Bfloat16 {
  std::uint16_t bits;
};

TANDEM_HOST_DEVICE inline float widened(float value) {
  return value;
}

TANDEM_HOST_DEVICE inline float widened(Bfloat16 value) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(value.bits) << 16);
}

TANDEM_HOST_DEVICE inline float widened(Float16 value) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half(value.bits));
#else
  return half_to_float(value.bits);
#endif
}

// One element of a row to another of its type, or rounded.
TANDEM_HOST_DEVICE inline void store(float from, float& to) {
  to = from;
}

TANDEM_HOST_DEVICE inline void store(Float16 from, Float16& to) {
  to = from;
}

TANDEM_HOST_DEVICE inline void store(float from, Float16& to) {
#ifdef __CUDACC__
  if (from != from) {  // the instruction forgets the sign and the payload of a NaN
    const auto bits = __float_as_uint(from);
    to.bits = static_cast<std::uint16_t>((bits >> 16 & 0x8000U) | 0x7E00U | (bits >> 13 & 0x3FFU));
    return;
  }
  to.bits = __half_as_ushort(__float2half_rn(from));
#else
  to.bits = float_to_half(from);
#endif
}

// A NaN stays one; its bits may differ between device and host.
TANDEM_HOST_DEVICE inline void store(float from, Bfloat16& to) {
#ifdef __CUDACC__
  to.bits = __bfloat16_as_ushort(__float2bfloat16_rn(from));
#else
  to.bits = float_to_bfloat16(from);
#endif
}

}  // namespace tandem::cuda
