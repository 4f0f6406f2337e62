// Whisper (`model_type` "whisper"; Radford et al. 2022, arXiv 2212.04356): two convolutions over a
// log-mel spectrum in place of a source vocabulary, then a pre-norm encoder and decoder with BART's
// names. Keys have no bias. The output is the decoder's embedding.
// Source: transformers, models/whisper/modeling_whisper.py.
#pragma once

#include "models/families/family.h"

namespace tandem {

FamilyModel load_whisper(const JsonObject& config, WeightMap& weights, const Limits& limits);

}  // namespace tandem
