// The way back from the panels of a packed file to plain rows, for `tandem convert --dequantize`.
#pragma once

#include "kernels/backend.h"

namespace tandem {

// The weights of one product, [outputs, inputs]: float32 where the panels are float32 or bfloat16,
// which loses nothing; int8 with a scale for each output where they are int8. `parts` must be what
// a backend has accepted. Cost: one pass over the weights. Throws Error{unsupported} for a layout
// other than that of kernels/cpu/packed_linear.h.
LinearWeights unpack_panels(const PackedParts& parts);

}  // namespace tandem
