// The members of an ensemble, checked, each with the source as it reads it.
#pragma once

#include <tandem/options.h>

#include "api/engine_state.h"
#include "decoding/search_options.h"

namespace tandem {

// Members of weight 0 are left out. Throws Error: invalid_argument for a null member, another
// target vocabulary or start token, weights that are no weights, and as encode_source;
// resource_exhausted for more members than Limits::max_beams.
PreparedEnsemble prepare_ensemble(const EngineState& engine, const Ensemble& ensemble,
                                  const Request& request);

// Bounds the length of the output by what each member can represent.
void limit_positions(const PreparedEnsemble& ensemble, SearchContext& context);

}  // namespace tandem
