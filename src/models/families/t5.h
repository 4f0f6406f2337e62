// T5 and what was built on it (`model_type` "t5", "mt5", "umt5"): T5 v1.0, T5 v1.1, Flan-T5, UL2,
// ByT5, MADLAD-400, mT5, UMT5. Pre-norm with RMS norms and no biases, heads of a width of their
// own, scores without a scale, and a learned bias by distance in place of positions, so that any
// length is allowed. Sources: Raffel et al. 2020 (arXiv 1910.10683); transformers,
// models/{t5,mt5,umt5}/modeling_*.py.
//
// What differs inside the family, and what decides it:
//
//   feed_forward_proj   a plain feed-forward network ("relu"), or a gated one ("gated-gelu")
//   model_type          umt5 has a bias in every layer; the others share the first layer's
//   tensors             the output table is lm_head if it is there, else the embedding
//   scale of logits     d_model^-0.5 where scale_decoder_outputs is true; without that key, where
//                       tie_word_embeddings is not false. mt5 never has it, and umt5 goes by
//                       tie_word_embeddings alone.
#pragma once

#include "models/families/family.h"

namespace tandem {

FamilyModel load_t5(const JsonObject& config, WeightMap& weights, const Limits& limits);

}  // namespace tandem
