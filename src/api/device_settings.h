// What EngineOptions leaves open and the kind of a device decides: how many workers share it, and
// how much one of them decodes together.
//
// A CPU's worker is best off while what it works on stays in its cache. A GPU reads all weights for
// each step of each worker, so it wants large batches and few workers; with two, the host plans
// the work of one while that of the other runs.
#pragma once

#include <tandem/options.h>

namespace tandem {

// `options` with no zeros left in `threads` and `batch_tokens`. Throws Error{invalid_argument} for
// numbers out of range.
EngineOptions with_device_settings(EngineOptions options);
}  // namespace tandem
