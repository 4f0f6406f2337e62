// Mixtures of whole outputs (RAG-Sequence, Lewis et al. 2020, arXiv 2005.11401, section 2.5): each
// source is searched alone, then every candidate is weighed under the sources.
//
// Cost:       thorough: a search for each source, and one scoring pass over all candidates under
//             each source, for which it is encoded once more. Fast: the searches alone.
// Differs:    the order is by log-probability without length normalisation, as in the paper's own
//             code; a forced prefix counts as part of the output.
#pragma once

#include <span>

#include <tandem/engine.h>

#include "api/delivery.h"
#include "api/engine_state.h"

namespace tandem {

bool is_sequence_mixture(const Request& request);

// Answers those of `requests` that are such mixtures, through `delivery`. Streams nothing before
// its end, since nothing is final.
void answer_sequence_mixtures(const Engine& engine, const EngineState& state,
                              std::span<const Request> requests, const CallOptions& call,
                              Delivery& delivery);

}  // namespace tandem
