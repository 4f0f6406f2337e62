// BART (`model_type` "bart"; Lewis et al. 2019, arXiv 1910.13461): post-norm, a learned table of
// positions whose first two rows are unused, a norm on the embeddings.
// Source: transformers, models/bart/modeling_bart.py.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_bart(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  BartStyle style;
  style.family = "bart";
  style.encoder_embedding_norm = style.decoder_embedding_norm = EmbeddingNorm::sum;
  style.position_start = PositionStart::two;
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
