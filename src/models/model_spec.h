// What a model is, as switches: the architecture of every family that Tandem knows is one row of
// values of this struct, and the forward pass (encoder_decoder.h) is written against the switches
// and never against a family's name. A family (families/) fills it from its files and notes for
// each switch the key that it came from.
//
// Some values are described here before the forward pass can compute them, so that a family can
// state its model truthfully; check_implemented refuses those, in one place, by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/heads.h>

#include "kernels/backend.h"
#include "nn/attention.h"
#include "nn/embedding.h"
#include "nn/norm.h"

namespace tandem {

enum class PositionKind : std::uint8_t {
  none,
  sinusoid_paper,          // nn/positions.h; Hugging Face's Marian, Pegasus
  sinusoid_tensor2tensor,  // nn/positions.h; native Marian, M2M100
  table,                   // stored in the file
};

enum class StartToken : std::uint8_t {
  token,       // decoder_start_token_id
  zero_vector  // a row of zeros in place of an embedding: native Marian; fed as token -1
};

enum class AttentionScale : std::uint8_t { inverse_sqrt_head_dim, none, constant };

enum class RelativeBias : std::uint8_t { none, shared_by_layers, each_layer };

enum class Rotary : std::uint8_t { none, half_split, interleaved };

enum class DecoderMixer : std::uint8_t {
  attention,  // causal self-attention
  ssru,       // nn/ssru.h
  merged      // one softmax over target and source: T5Gemma 2
};

enum class FrontEnd : std::uint8_t { tokens, mel_convolution, wave_convolution, embeddings };

// One of the two stacks.
struct StackSpec {
  int layers = 0;
  int heads = 1;
  int feed_forward_dim = 0;  // of the first layer
  PositionKind positions = PositionKind::none;
  int position_offset = 0;  // row of the table for the first token
  int max_positions = 0;    // tokens that the positions allow; 0: any number
  bool final_norm = false;  // after the last layer
  EmbeddingNorm embedding_norm = EmbeddingNorm::none;
  int attention_window = 0;  // keys seen on each side; 0: all
};

struct ModelSpec {
  std::string family;  // "marian", ...: where tensor names and quirks come from
  std::string origin;  // file or directory, for messages

  // Sizes.
  int model_dim = 0;
  int head_dim = 0;
  bool independent_head_dim = false;  // heads * head_dim need not be model_dim: T5
  std::int64_t source_vocabulary = 0;
  std::int64_t target_vocabulary = 0;
  StackSpec encoder, decoder;

  // Norms.
  NormKind norm = NormKind::layer;
  NormPlacement norm_placement = NormPlacement::post;
  bool norm_on_both_sides = false;  // of each sub-layer: T5Gemma
  float norm_epsilon = 1e-5F;

  // Embeddings and positions.
  FrontEnd front_end = FrontEnd::tokens;
  int feature_channels = 0;  // of a frame, where the front end reads features
  float embedding_scale = 1.0F;
  // Padding takes the table's row of that number and is not counted in the source.
  bool padding_aware_positions = false;
  bool shared_embeddings = false;  // source and target use one table
  bool tied_output = false;        // the output projection is the target embedding
  StartToken start = StartToken::token;

  // Attention.
  AttentionScale attention_scale = AttentionScale::inverse_sqrt_head_dim;
  float attention_scale_constant = 1.0F;
  KeyInput self_attention_keys = KeyInput::normalized;
  bool attention_output_projection = true;
  int key_value_heads = 0;      // 0: as many as heads (no grouping)
  int cross_key_value_dim = 0;  // width of what cross-attention reads; 0: model_dim
  bool query_key_norm = false;
  float score_soft_cap = 0.0F;                      // 0: none
  RelativeBias relative_bias = RelativeBias::none;  // of self-attention; nn/relative_positions.h
  int relative_buckets = 0;
  int relative_max_distance = 0;
  Rotary rotary = Rotary::none;
  float rotary_fraction = 1.0F;
  float rotary_theta = 10000.0F;
  float rotary_factor = 1.0F;
  DecoderMixer decoder_mixer = DecoderMixer::attention;
  std::vector<int>
      decoder_layer_tensors;  // layer i uses the tensors of layer [i], from 1; empty: its own

  // Feed-forward.
  Activation activation = Activation::relu;
  bool gated_feed_forward = false;
  int feed_forward_depth = 2;

  // Output.
  bool output_bias = false;
  float logits_scale = 1.0F;        // of the products with the output table, not of its bias
  float logits_soft_cap = 0.0F;     // 0: none
  int guided_alignment_layer = -1;  // decoder layer whose cross-attention is the alignment, from 0

  // Special tokens; -1 or empty: none known.
  TokenId decoder_start_token = -1;
  TokenId pad_token = -1;
  TokenId unknown_token = -1;
  std::vector<TokenId> eos_tokens;

  // False if the files leave the decoder's start token to the request.
  bool has_start() const { return start == StartToken::zero_vector || decoder_start_token >= 0; }

  // Switch -> the key of the file that it came from. What is not here follows from the family.
  std::map<std::string, std::string> sources;
};

// One line of what `inspect` shows.
struct SwitchLine {
  std::string name;
  std::string value;
  std::string source;  // "config.json: d_model", or "the family's rule"
};

// Every switch in the order of the struct.
std::vector<SwitchLine> describe(const ModelSpec& spec);

// Throws Error{unsupported} that names the first switch with a value that the forward pass cannot
// compute yet, and Error{corrupt} where sizes contradict each other (model_dim not a multiple of
// the heads, ...).
void check_implemented(const ModelSpec& spec);

// Throws Error{invalid_argument} for a layer or a head that is not there, Error{unsupported} for
// self-attention of a decoder without it.
void check_head(const ModelSpec& spec, AttentionKind attention, int layer, int head);

// What self-attention's keys and values are computed from. A post-norm model has but one input.
inline KeyInput keys_of_self_attention(const ModelSpec& spec) {
  return spec.norm_placement == NormPlacement::pre ? spec.self_attention_keys
                                                   : KeyInput::normalized;
}

}  // namespace tandem
