// Encoder-decoder models in CTranslate2's format: what its converters make of OpenNMT, Marian,
// fairseq and Hugging Face checkpoints. Source: OpenNMT/CTranslate2, python/ctranslate2/specs/
// transformer_spec.py (the variables) and src/layers (what they mean).
//
// Post-norm or pre-norm, layer norm or RMS norm, plain or gated feed-forward, sinusoidal, stored or
// T5's relative positions, any tying. Everything else that the specs can say (rotary positions,
// grouped heads, source factors, decoder-only models, ...) is refused by the variable that asks for
// it. int8 products quantise their input by rounding, as the program does for versions 5 and 6 of
// the format; for the older ones it truncates, which Tandem does not reproduce.
#pragma once

#include <tandem/options.h>

#include "models/families/ctranslate2_spec.h"
#include "models/families/ctranslate2_variables.h"
#include "models/families/family.h"

namespace tandem {

// Without token ids, which need the vocabulary. Marks the variables used.
// Throws Error: corrupt (file, variable, expected, found), unsupported.
FamilyModel load_ctranslate2(CTranslate2Variables& variables, const CTranslate2Facts& facts,
                             const Limits& limits);

}  // namespace tandem
