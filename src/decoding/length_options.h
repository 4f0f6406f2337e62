// Resolution of how long an output may be and must be.
//
// Source: transformers, generation/utils.py `_prepare_generated_length`; Marian's
//         `max-length-factor`. The two departures are those of search_options.h.
#pragma once

#include <tandem/options.h>

#include "decoding/generation_keys.h"
#include "decoding/search_options.h"

namespace tandem {

// Sets the lengths of `options`, whose strategy, profile and tokens are resolved. Throws Error:
// invalid_argument (a value out of range), resource_exhausted (no room, or less than is wanted).
void resolve_lengths(const Request& request, const GenerationKeys& keys,
                     const SearchContext& context, const Limits& limits, SearchOptions& options);

}  // namespace tandem
