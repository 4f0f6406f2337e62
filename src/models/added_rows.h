// What requests add to the embeddings of their sources (tandem/added_embedding.h), as rows of a
// batch.
#pragma once

#include <cstdint>
#include <span>

#include "models/encoder_decoder.h"

namespace tandem {

// Throws Error{invalid_argument} for something added to features, a position that the source lacks,
// another number of values than `model_dim`, or a value that is not finite.
void check_added(const EncoderInput& source, std::int64_t model_dim);

// The rows of workspace.sentences to which `sources` add something, and what: views of the
// workspace. What is added to the same row is added up.
AddedRows plan_added(Backend& backend, std::span<const EncoderInput> sources,
                     std::int64_t model_dim, ModelWorkspace& workspace);

}  // namespace tandem
