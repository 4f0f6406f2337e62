// The tensors of an encoder-decoder by their meaning: what a family reads from its files and what
// encoder_decoder.h packs. Nothing here knows a tensor's name in a file.
#pragma once

#include <variant>
#include <vector>

#include "base/file_io.h"
#include "nn/attention.h"
#include "nn/feed_forward.h"
#include "nn/norm.h"
#include "nn/ssru.h"
#include "tensor/tensor.h"

namespace tandem {

struct EncoderLayerWeights {
  AttentionWeights self;
  FeedForwardWeights feed_forward;
};

struct DecoderLayerWeights {
  std::variant<AttentionWeights, SsruWeights> self;  // as ModelSpec::decoder_mixer says
  AttentionWeights cross;
  FeedForwardWeights feed_forward;
};

struct ModelWeights {
  // float32 [V, D]. The same bytes for both when they are shared: they are then stored once.
  Tensor source_embedding, target_embedding;
  // FrontEnd::mel_convolution: its convolutions, nn/convolution.h. There is no source embedding then.
  std::vector<LinearWeights> front_end;
  Tensor encoder_positions, decoder_positions;  // float32 [P, D]; empty: the model has none
  NormWeights encoder_embedding_norm, decoder_embedding_norm;  // empty: none
  NormWeights encoder_final_norm, decoder_final_norm;          // empty: none
  // Relative bias [buckets, H] of self-attention: none, one for all layers, or one for each.
  std::vector<Tensor> encoder_relative_bias, decoder_relative_bias;
  std::vector<EncoderLayerWeights> encoder;
  std::vector<DecoderLayerWeights> decoder;
  LinearWeights output;  // [V_target, D]
  // A file that stays, in which all tables lie: a CPU reads them there and makes no copy. Empty: none.
  FileBytes file;
};

}  // namespace tandem
