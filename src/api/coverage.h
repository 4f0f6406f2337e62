// CTranslate2's coverage penalty: outputs that leave words of the source unattended rank lower.
//
// Rule:    score + weight * sum over the source's tokens of log min(attention they got, 1); the
//          attention is that of the alignment layer, summed over the output's tokens.
// Cost:    one encoder and one decoder pass for each finished output, for the searches keep no
//          attention.
// Source:  Wu et al. 2016, arXiv 1609.08144, section 7; OpenNMT/CTranslate2, src/decoding.cc, for
//          where it is applied: to finished outputs only, after the length penalty.
#pragma once

#include <functional>
#include <vector>

#include <tandem/output.h>

#include "api/engine_state.h"

namespace tandem {

// Throws Error{unsupported} where outputs of the request cannot be aligned with its source.
void check_coverage(const EngineState& engine, const PreparedRequest& request);

// The attention of an output in the alignment layer: for each of its tokens one weight for each
// source token.
using Aligner = std::function<std::vector<std::vector<float>>(const Hypothesis&)>;

// Adds the penalty, if there is one, to all of `output`, which has every finished output of the
// request, and keeps as many of the best as it wants.
void rank_by_coverage(const SearchOptions& options, const Aligner& align, Output& output);

}  // namespace tandem
