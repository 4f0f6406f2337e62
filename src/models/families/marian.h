// Hugging Face's MarianMT (`model_type` "marian"): OPUS-MT and whatever was trained in its layout.
// Post-norm, sinusoidal positions in the paper's form, one table of embeddings or two, a bias on
// the logits. Source: transformers, models/marian/modeling_marian.py.
//
// The same network converted to Marian's own format differs in two numbers, the position table and
// the norm's epsilon: see marian_native.h.
#pragma once

#include "models/families/family.h"

namespace tandem {

FamilyModel load_marian(const JsonObject& config, WeightMap& weights, const Limits& limits);

}  // namespace tandem
