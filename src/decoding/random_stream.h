// RandomStream: random numbers that are a function of where they are used: the request's seed, the
// number of the sample, the step. No draw depends on what other samples, sentences or threads drew
// before, so a seed gives the same samples in any batch, any order and at any number of threads.
//
// Cost:     one evaluation of the generator for each number; three words of state.
// Source:   Philox4x32-10, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
// Laws:     the generator gives the published answers to the published test vectors
//           (tests/decoding/random_stream_test.cc).
#pragma once

#include <array>
#include <cstdint>

namespace tandem {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

// The block cipher itself: ten rounds.
PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key);

class RandomStream {
 public:
  RandomStream(std::uint64_t seed, int sample, int step);

  // From 0 to 1, neither included.
  double uniform();

  // Of the standard Gumbel distribution: argmax_i(log p_i + gumbel_i) is a draw from p.
  double gumbel();

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;  // how many were drawn, step, sample, 0
};

}  // namespace tandem
