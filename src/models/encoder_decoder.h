// The forward pass of an encoder-decoder Transformer (Vaswani et al. 2017), for every family: it
// reads the switches of ModelSpec and packed weights, and knows no file, no search and no text.
//
// Immutable after construction: any number of threads may use one EncoderDecoder, each with its own
// Backend and ModelWorkspace. Batches are ragged, without padding, so a sentence's numbers do not
// depend on its neighbours (kernels/backend.h, row invariance). Its three parts have a file each:
// encoder_decoder.cc packs the weights, encoder_pass.cc and decoder_pass.cc run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include <tandem/added_embedding.h>

#include "kernels/backend.h"
#include "models/model_spec.h"
#include "models/model_weights.h"
#include "models/model_workspace.h"
#include "nn/attention.h"
#include "nn/decoder_state.h"
#include "nn/embedding.h"
#include "nn/feed_forward.h"
#include "nn/linear.h"
#include "nn/mel_front_end.h"
#include "nn/norm.h"
#include "nn/relative_positions.h"
#include "nn/ssru.h"

namespace tandem {

// The output projection as it is packed, with ModelSpec::logits_scale multiplied in: it costs
// nothing afterwards. Weights that are packed have it in them.
LinearWeights scaled_output(const LinearWeights& output, float logits_scale);

// What the encoder reads: tokens, or the features of a model without a source vocabulary.
struct EncoderInput {
  std::span<const TokenId> ids;
  const Features* features = nullptr;
  std::span<const AddedEmbedding> added = {};
};

// A sentence after the encoder: all that the decoder needs of it. Immutable and shared by rows.
struct EncodedSource {
  std::vector<TokenId> ids;  // empty where the model reads features
  std::unique_ptr<Buffer> memory;
  // For each decoder layer the cross-attention's keys and values, [S, 2 * D], of cache_type.
  std::vector<ConstMatrixView> keys_values;
};

// One row of a decoder step. Position 0 is the start token's.
struct DecoderRow {
  const EncodedSource* source = nullptr;
  std::span<const TokenId> tokens;      // fed in this step; -1: a row of zeros
  std::span<const std::int32_t> slots;  // of all positions: those cached, then those of `tokens`
};

// Where a decoder pass leaves the cross-attention of one head: Marian's alignment is head 0 of the
// layer that the files name.
struct ObservedAttention {
  ObservedAttention(float* const* places = nullptr, int of_layer = -1, int of_head = 0)  // NOLINT
      : weights(places), layer(of_layer), head(of_head) {}

  // Null: none; or for each fed token a pointer to as many floats as its source has positions.
  float* const* weights;
  int layer;  // -1: ModelSpec::guided_alignment_layer
  int head;
};

class EncoderDecoder {
 public:
  // Packs the weights for backends of this kind. Throws Error{unsupported} as
  // check_implemented, or when the backend cannot compute in `type`.
  EncoderDecoder(ModelSpec spec, const ModelWeights& weights, ComputeType type, Backend& backend);

  const ModelSpec& spec() const { return spec_; }
  ComputeType compute_type() const { return type_; }
  std::size_t bytes() const { return bytes_; }

  // Throws Error{invalid_argument}: no tokens, more than the model has positions for, or an id
  // outside the vocabulary.
  void check_source(std::span<const TokenId> ids) const;
  // The most tokens of a source; 0: any number.
  std::int64_t max_source_positions() const;
  // The most positions of a target, the start token included; 0: any number.
  std::int64_t max_target_positions() const;

  // Encodes sentences together. Throws Error as check_source, and as check_added
  // of added_rows.h.
  std::vector<std::shared_ptr<const EncodedSource>> encode(
      Backend& backend, std::span<const std::span<const TokenId>> sources,
      ModelWorkspace& workspace) const;
  // The same for whatever the model reads. Throws Error{invalid_argument} also for the other kind.
  std::vector<std::shared_ptr<const EncodedSource>> encode(Backend& backend,
                                                           std::span<const EncoderInput> sources,
                                                           ModelWorkspace& workspace) const;
  bool reads_features() const { return spec_.front_end == FrontEnd::mel_convolution; }
  // Throws Error{invalid_argument} for features of another shape than the model's.
  void check_features(const Features& features) const { front_end_.check(features); }

  DecoderState new_state(Backend& backend) const;

  // Runs the rows through the decoder, writes the state of their new positions into `state`, and
  // gives the last layer's output [N, D], valid until the next call with this workspace. Rows of
  // one source should be neighbours.
  // Throws Error{invalid_argument} for a token outside the vocabulary or a position beyond the
  // table.
  ConstMatrixView decode(Backend& backend, std::span<const DecoderRow> rows, DecoderState& state,
                         ModelWorkspace& workspace, ObservedAttention observed = {}) const;
  // The same for rows that feed one token each: that of chosen[n], in device memory, which
  // Backend::select_best wrote (none: a row of zeros). DecoderRow::tokens is not read. A token that
  // is not counted (is_uncounted) gets the position of one that is.
  ConstMatrixView decode_chosen(Backend& backend, const Candidate* chosen,
                                std::span<const DecoderRow> rows, DecoderState& state,
                                ModelWorkspace& workspace) const;
  // Padding, of models whose positions know it: see ModelSpec::padding_aware_positions.
  bool is_uncounted(TokenId id) const;

  // Logits [Q, outputs] of the rows `rows` of `hidden`, which `decode` gave; valid until the next
  // call with this workspace. `output` is output() or a selection of its columns.
  MatrixView project(Backend& backend, ConstMatrixView hidden, std::span<const std::int32_t> rows,
                     const PackedLinear& output, ModelWorkspace& workspace) const;
  const PackedLinear& output() const { return output_.packed(); }

 private:
  struct EncoderLayer {
    SelfAttention self;
    FeedForward feed_forward;
  };
  struct DecoderLayer {
    std::variant<SelfAttention, Ssru> self;
    CrossAttention cross;
    FeedForward feed_forward;
  };

  void pack_embeddings(Backend& backend, const ModelWeights& weights);
  void pack_encoder(Backend& backend, const ModelWeights& weights);
  void pack_decoder(Backend& backend, const ModelWeights& weights);
  SublayerNorm sublayer_norm(Backend& backend, const NormWeights& weights) const;
  Norm norm(Backend& backend, const NormWeights& weights) const {
    return Norm(backend, weights, spec_.norm_epsilon, spec_.norm);
  }
  AttentionSettings attention_settings(const StackSpec& stack) const;
  // The bias of each layer, those that are the same in shared memory; empty ones without a bias.
  std::vector<Parameter> pack_relative_bias(Backend& backend, const std::vector<Tensor>& tables,
                                            const StackSpec& stack, Direction direction);
  void pack_output(Backend& backend, const LinearWeights& weights);

  // The row of the position table for a token at `position`. In the decoder a position counts every
  // token before it, so that it does not depend on how many were fed together.
  std::int32_t position_row(const StackSpec& stack, TokenId id, std::int32_t position) const;
  void plan_sources(ModelWorkspace& workspace, std::span<const EncoderInput> sources) const;
  std::vector<std::shared_ptr<const EncodedSource>> encode_tokens(
      Backend& backend, std::span<const EncoderInput> sources, ModelWorkspace& workspace) const;
  std::vector<std::shared_ptr<const EncodedSource>> encode_features(
      Backend& backend, std::span<const EncoderInput> sources, ModelWorkspace& workspace) const;
  // The encoder's layers over the embedded rows of workspace.sentences, and what the decoder needs.
  std::vector<std::shared_ptr<EncodedSource>> encode_embedded(Backend& backend, MatrixView x,
                                                              ModelWorkspace& workspace) const;
  // Of keys and values: the backend's, but float32 beside a recurrent decoder, whose few layers gain
  // nothing and whose int8 numbers are recorded (docs/decisions/0005).
  DType cache_type(const Backend& backend) const;
  // Keys and values of one layer's cross-attention for each of workspace.sentences.
  void project_sources(Backend& backend, ConstMatrixView x, std::size_t layer,
                       std::span<const std::shared_ptr<EncodedSource>> encoded,
                       ModelWorkspace& workspace) const;
  void plan_rows(ModelWorkspace& workspace, std::span<const DecoderRow> rows) const;
  void plan_chosen(ModelWorkspace& workspace, std::span<const DecoderRow> rows) const;
  void check_row(const DecoderRow& row) const;
  // What is planned over the embedded tokens x [N, D].
  void run_layers(Backend& backend, std::span<const DecoderRow> rows, MatrixView x,
                  DecoderState& state, ModelWorkspace& workspace,
                  const ObservedAttention& observed) const;
  void attend_to_sources(Backend& backend, std::span<const DecoderRow> rows, std::size_t layer,
                         MatrixView x, ModelWorkspace& workspace, const ObservedAttention& observed) const;

  ModelSpec spec_;
  ComputeType type_;
  std::size_t bytes_ = 0;
  Embedding source_embedding_, target_embedding_;
  MelFrontEnd front_end_;  // in place of the source embedding
  std::vector<EncoderLayer> encoder_;
  std::vector<DecoderLayer> decoder_;
  Norm encoder_final_norm_, decoder_final_norm_;
  Linear output_;
};

}  // namespace tandem
