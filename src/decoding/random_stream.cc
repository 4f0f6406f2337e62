#include "decoding/random_stream.h"

#include <cmath>

namespace tandem {

PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    counter = {high(product1) ^ counter[1] ^ key[0], low(product1),
               high(product0) ^ counter[3] ^ key[1], low(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, int sample, int step)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(sample), 0} {}

double RandomStream::uniform() {
  const PhiloxCounter bits = philox(counter_, key_);
  ++counter_[0];
  const std::uint64_t wide = (std::uint64_t{bits[0]} << 32 | bits[1]) >> 12;  // 52 bits
  return (static_cast<double>(wide) + 0.5) * 0x1.0p-52;
}

double RandomStream::gumbel() {
  return -std::log(-std::log(uniform()));
}

}  // namespace tandem
