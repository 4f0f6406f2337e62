// Rows of the decoder's cache in float16, where the instruction set converts it. Include after a
// simd_*.h that has a load and a store of Float16 (AVX2 and wider), and rows-inl.h.
#pragma once

namespace tandem::cpu {
namespace {

void round_to_float16(const float* x, std::int64_t n, Float16* out) {
  const std::int64_t full = whole(n), rest = n - full;
  for (std::int64_t i = 0; i < full; i += kLanes) store(out + i, load(x + i));
  if (rest > 0) store_first(out + full, load_first(x + full, rest), rest);
}

}  // namespace
}  // namespace tandem::cpu
