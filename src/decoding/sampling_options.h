// Resolution of the keys of sampling: temperature and cut-offs, and what the strategies that draw
// are told beyond them.
#pragma once

#include <tandem/options.h>
#include <tandem/strategy.h>

#include "decoding/generation_keys.h"
#include "decoding/warpers.h"

namespace tandem {

// Throws Error{invalid_argument} for a value out of range.
WarperOptions resolve_warpers(const GenerationKeys& keys);

// True if the request's own keys shape the distribution that is drawn from.
bool asks_for_warpers(const GenerationOptions& request);

}  // namespace tandem
