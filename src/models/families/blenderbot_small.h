// Blenderbot 90M (`model_type` "blenderbot-small"; Roller et al. 2020, arXiv 2004.13637):
// post-norm, a learned table of positions. The decoder norms its embeddings before it adds the
// positions, the encoder after. Source: transformers,
// models/blenderbot_small/modeling_blenderbot_small.py.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_blenderbot_small(const JsonObject& config, WeightMap& weights,
                                         const Limits& limits) {
  BartStyle style;
  style.family = "blenderbot-small";
  style.encoder_embedding_norm = EmbeddingNorm::sum;
  style.decoder_embedding_norm = EmbeddingNorm::tokens;
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
