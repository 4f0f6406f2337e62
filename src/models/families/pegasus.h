// PEGASUS (`model_type` "pegasus"; Zhang et al. 2019, arXiv 1912.08777): pre-norm, sinusoidal
// positions in the paper's form. Source: transformers, models/pegasus/modeling_pegasus.py.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_pegasus(const JsonObject& config, WeightMap& weights,
                                const Limits& limits) {
  BartStyle style;
  style.family = "pegasus";
  style.norm_placement = NormPlacement::pre;
  style.final_norm = true;
  style.positions = PositionKind::sinusoid_paper;
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
