// Models in Marian's own format (`.bin`, `.npz`): OPUS-MT's originals, and the small students that
// browsers run (Bergamot, Firefox Translations), whose decoder is an SSRU and whose weights are
// int8. Sources: marian-dev, src/models/transformer.h and src/layers/output.cpp; the keys are those
// of the model's own `special:model.yml`.
//
// A transformer with post-norm or pre-norm, self-attention or SSRU decoder, any tying of the
// embeddings. What else Marian can train is refused by the key that asks for it.
#pragma once

#include <tandem/options.h>

#include "models/families/family.h"
#include "models/readers/marian_model_file.h"

namespace tandem {

// Marks the tensors of `file` used. Throws Error: corrupt, unsupported.
FamilyModel load_marian_native(MarianModelFile& file, const Limits& limits);

}  // namespace tandem
