// The sources of a mixture as tokens, and their weights.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/engine_state.h"
#include "api/input_ids.h"

namespace tandem {

// `weights` divided by their sum, or equal ones for `count` parts where none are given. Throws
// Error{invalid_argument} for weights that are no weights; `whole` and `part` name what they are
// of.
std::vector<double> normalized_weights(std::vector<double> weights, std::size_t count,
                                       const std::string& whole, const std::string& part);

struct MixtureSources {
  std::vector<Source> sources;      // those of weight 0 are left out
  std::vector<double> log_weights;  // of weights that sum to 1
};

// Throws Error{invalid_argument} for no sources, weights that are no weights, or a bad source, and
// Error{resource_exhausted} for more sources than Limits::max_beams.
MixtureSources encode_mixture(const EngineState& engine, const Mixture& mixture,
                              const std::string& source_lang, const std::string& target_lang,
                              TooLong too_long = TooLong::refuse);

}  // namespace tandem
