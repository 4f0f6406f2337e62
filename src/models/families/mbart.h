// mBART and mBART-50 (`model_type` "mbart"; Liu et al. 2020, arXiv 2001.08210): BART in pre-norm
// form with a norm at the top of each stack. Source: transformers, models/mbart/modeling_mbart.py.
//
// The target language is the first token: of mBART as the decoder's start, of mBART-50 forced after
// it (generation_config.json: forced_bos_token_id).
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_mbart(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  BartStyle style;
  style.family = "mbart";
  style.norm_placement = NormPlacement::pre;
  style.final_norm = true;
  style.encoder_embedding_norm = style.decoder_embedding_norm = EmbeddingNorm::sum;
  style.position_start = PositionStart::two;
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
