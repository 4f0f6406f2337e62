// Hugging Face's MarianMT (`model_type` "marian"): OPUS-MT and whatever was trained in its layout.
// Post-norm, sinusoidal positions in the paper's form, one table of embeddings or two, a bias on
// the logits. Source: transformers, models/marian/modeling_marian.py.
//
// The same network converted to Marian's own format differs in two numbers, the position table and
// the norm's epsilon: see marian_native.h.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_marian(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  BartStyle style;
  style.family = "marian";
  style.positions = PositionKind::sinusoid_paper;
  style.target_vocabulary_key = "decoder_vocab_size";
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
