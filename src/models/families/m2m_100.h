// M2M100 and NLLB-200 (`model_type` "m2m_100"; Fan et al. 2020, arXiv 2010.11125, and NLLB Team
// 2022, arXiv 2207.04672): pre-norm, sinusoidal positions in fairseq's form, one table of
// embeddings and no bias on the logits. Source: transformers, models/m2m_100/modeling_m2m_100.py.
//
// The target language is the forced first token: forced_bos_token_id of the request or of
// generation_config.json.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_m2m_100(const JsonObject& config, WeightMap& weights,
                                const Limits& limits) {
  BartStyle style;
  style.family = "m2m_100";
  style.norm_placement = NormPlacement::pre;
  style.final_norm = true;
  style.positions = PositionKind::sinusoid_tensor2tensor;
  style.position_start = PositionStart::after_padding;
  style.logits_bias = false;
  style.scale_embedding = true;
  style.activation = "relu";
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
