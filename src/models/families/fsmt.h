// FSMT (`model_type` "fsmt"; Ng et al. 2019, arXiv 1907.06616): fairseq's WMT19 models, post-norm,
// with vocabularies of their own for source and target, sinusoidal positions in fairseq's form, no
// bias on the logits. Source: transformers, models/fsmt/modeling_fsmt.py.
#pragma once

#include "models/families/bart_style.h"

namespace tandem {

inline FamilyModel load_fsmt(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  BartStyle style;
  style.family = "fsmt";
  style.positions = PositionKind::sinusoid_tensor2tensor;
  style.position_start = PositionStart::after_padding;
  style.logits_bias = false;
  style.scale_embedding = true;
  style.activation = "relu";
  style.source_vocabulary_key = "src_vocab_size";
  style.target_vocabulary_key = "tgt_vocab_size";
  style.output_name = "decoder.output_projection";
  return load_bart_style(style, config, weights, limits);
}

}  // namespace tandem
