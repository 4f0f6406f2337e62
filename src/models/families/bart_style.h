// The reader for checkpoints with BART's names and skeleton: `model.{encoder,decoder}.layers.N.*`,
// learned or sinusoidal positions, layer norms with bias, biased products. Marian, BART, mBART,
// M2M100 and NLLB, PEGASUS, Blenderbot and FSMT differ by the values of one struct; a family is its
// values of it. Source: the modeling_*.py of these families in transformers.
#pragma once

#include <string_view>

#include "models/families/family.h"
#include "nn/embedding.h"
#include "nn/norm.h"

namespace tandem {

// Which row of the position table the first token takes.
enum class PositionStart {
  zero,          // row 0
  two,           // row 2, whatever the padding token is: BART's learned table
  after_padding  // row pad_token_id + 1, as in fairseq; padding itself takes a row of zeros
};

struct BartStyle {
  std::string_view family;
  NormPlacement norm_placement = NormPlacement::post;
  bool final_norm = false;  // `<side>.layer_norm`
  // `<side>.layernorm_embedding`
  EmbeddingNorm encoder_embedding_norm = EmbeddingNorm::none;
  EmbeddingNorm decoder_embedding_norm = EmbeddingNorm::none;
  // `table`: must be in the file. A sinusoid: computed, unless the file has it stored.
  PositionKind positions = PositionKind::table;
  PositionStart position_start = PositionStart::zero;
  bool logits_bias = true;  // `final_logits_bias`, if the file has it
  // What a config.json without the key means.
  bool scale_embedding = false;
  std::string_view activation = "gelu";
  std::string_view source_vocabulary_key = "vocab_size";
  std::string_view target_vocabulary_key = "vocab_size";  // absent: that of the source
  std::string_view output_name = "lm_head";
};

// Throws Error as a FamilyLoader.
FamilyModel load_bart_style(const BartStyle& style, const JsonObject& config, WeightMap& weights,
                            const Limits& limits);

}  // namespace tandem
