// Blenderbot (`model_type` "blenderbot"; Roller et al. 2020, arXiv 2004.13637): pre-norm, a learned
// table of positions. Source: transformers, models/blenderbot/modeling_blenderbot.py.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_blenderbot(const JsonObject& config, WeightMap& weights,
                                   const Limits& limits) {
  BartStyle style;
  style.family = "blenderbot";
  style.norm_placement = NormPlacement::pre;
  style.final_norm = true;
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
