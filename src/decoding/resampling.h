// Resampling of weighted particles.
//
// Source:   Douc and Cappe 2005, arXiv cs/0507025 (stratified resampling); Kong, Liu and Wong 1994
//           (effective sample size).
// Laws:     a particle's expected number of offspring is N times its share, and the number is never
//           further than 2 from it (tests/decoding/resampling_test.cc).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "decoding/random_stream.h"

namespace tandem {

// Log of the sum of exponentials; -infinity for nothing but -infinity.
double log_sum_exp(std::span<const double> values);

// 1 / sum of squares of the normalised weights: from 1 to their number; 0 if all weights are zero.
double effective_sample_size(std::span<const double> log_weights);

// For each of as many new particles, the old one that it continues: one uniform draw within each of
// N equal strata of the cumulative weights. At least one weight must not be zero.
std::vector<std::size_t> stratified_ancestors(std::span<const double> log_weights,
                                              RandomStream& random);

}  // namespace tandem
