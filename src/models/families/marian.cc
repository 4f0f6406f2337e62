#include "models/families/marian.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "models/families/hugging_face.h"
#include "nn/positions.h"

namespace tandem {
namespace {

constexpr std::int64_t kMaxDim = 1 << 16;
constexpr std::int64_t kMaxPositions = 1 << 20;

// Reads one integer and notes where it came from.
int read_size(const JsonObject& config, ModelSpec& spec, const std::string& name,
              const std::string& key, std::int64_t highest) {
  spec.sources[name] = "config.json: " + key;
  return static_cast<int>(config.required_integer(key, 1, highest));
}

StackSpec read_stack(const JsonObject& config, ModelSpec& spec, const std::string& side,
                     const Limits& limits) {
  StackSpec stack;
  stack.layers = read_size(config, spec, side + ".layers", side + "_layers", limits.max_layers);
  stack.heads =
      read_size(config, spec, side + ".heads", side + "_attention_heads", limits.max_heads);
  stack.feed_forward_dim =
      read_size(config, spec, side + ".feed_forward_dim", side + "_ffn_dim", kMaxDim);
  stack.max_positions =
      read_size(config, spec, side + ".max_positions", "max_position_embeddings", kMaxPositions);
  stack.positions = PositionKind::sinusoid_paper;
  return stack;
}

void read_vocabularies(const JsonObject& config, ModelSpec& spec, const Limits& limits) {
  spec.source_vocabulary = config.required_integer("vocab_size", 1, limits.max_vocabulary);
  spec.target_vocabulary = config.integer("decoder_vocab_size", 1, limits.max_vocabulary)
                               .value_or(spec.source_vocabulary);
  spec.sources["source_vocabulary"] = "config.json: vocab_size";
  spec.sources["target_vocabulary"] = config.has("decoder_vocab_size")
                                          ? "config.json: decoder_vocab_size"
                                          : "config.json: vocab_size";
}

void read_tokens(const JsonObject& config, ModelSpec& spec) {
  const std::int64_t vocabulary = spec.target_vocabulary;
  spec.decoder_start_token = token_by_key(config, "decoder_start_token_id", vocabulary);
  spec.pad_token = token_by_key(config, "pad_token_id", vocabulary);
  spec.eos_tokens = tokens_by_key(config, "eos_token_id", vocabulary);
  spec.sources["decoder_start_token"] = "config.json: decoder_start_token_id";
  spec.sources["pad_token"] = "config.json: pad_token_id";
  spec.sources["eos_tokens"] = "config.json: eos_token_id";
}

ModelSpec read_spec(const JsonObject& config, const std::string& origin, const Limits& limits) {
  ModelSpec spec;
  spec.family = "marian";
  spec.origin = origin;
  spec.model_dim = read_size(config, spec, "model_dim", "d_model", kMaxDim);
  read_vocabularies(config, spec, limits);
  spec.encoder = read_stack(config, spec, "encoder", limits);
  spec.decoder = read_stack(config, spec, "decoder", limits);
  spec.head_dim = spec.model_dim / spec.encoder.heads;
  spec.sources["head_dim"] = "config.json: d_model / encoder_attention_heads";
  if (config.boolean("scale_embedding").value_or(false))
    spec.embedding_scale = std::sqrt(static_cast<float>(spec.model_dim));
  spec.sources["embedding_scale"] = "config.json: scale_embedding";
  spec.activation = activation_by_name(config, "activation_function", "gelu");
  spec.sources["activation"] = "config.json: activation_function";
  spec.guided_alignment_layer = spec.decoder.layers - 1;
  read_tokens(config, spec);
  return spec;
}

// The table that the checkpoint stores, or else the one that it was computed from, as far as Limits
// let a text reach: max_position_embeddings of a hostile file can say anything.
Tensor take_positions(WeightMap& weights, ModelSpec& spec, StackSpec& stack,
                      const std::string& side, const Limits& limits) {
  const std::string name = "model." + side + ".embed_positions.weight";
  if (weights.contains(name)) {
    stack.positions = PositionKind::table;
    spec.sources[side + ".positions"] = weights.origin() + ": " + name;
    return take_float(weights, name, {stack.max_positions, spec.model_dim});
  }
  const int longest = std::max(limits.max_source_tokens, limits.max_target_tokens) + 1;
  return sinusoid_paper(std::min(stack.max_positions, longest), spec.model_dim);
}

EncoderLayerWeights take_encoder_layer(WeightMap& weights, const ModelSpec& spec, int index) {
  const std::string prefix = "model.encoder.layers." + std::to_string(index);
  return {take_attention(weights, prefix + ".self_attn", prefix + ".self_attn_layer_norm",
                         spec.model_dim),
          take_feed_forward(weights, prefix, spec.encoder.feed_forward_dim, spec.model_dim)};
}

DecoderLayerWeights take_decoder_layer(WeightMap& weights, const ModelSpec& spec, int index) {
  const std::string prefix = "model.decoder.layers." + std::to_string(index);
  return {take_attention(weights, prefix + ".self_attn", prefix + ".self_attn_layer_norm",
                         spec.model_dim),
          take_attention(weights, prefix + ".encoder_attn", prefix + ".encoder_attn_layer_norm",
                         spec.model_dim),
          take_feed_forward(weights, prefix, spec.decoder.feed_forward_dim, spec.model_dim)};
}

void take_output(WeightMap& weights, FamilyModel& model) {
  ModelSpec& spec = model.spec;
  const EmbeddingNames names{"model.shared", "model.encoder.embed_tokens",
                             "model.decoder.embed_tokens", "lm_head"};
  const Embeddings tables = take_embeddings(weights, names, spec.source_vocabulary,
                                            spec.target_vocabulary, spec.model_dim);
  model.weights.source_embedding = tables.source;
  model.weights.target_embedding = tables.target;
  model.weights.output.weight = tables.output;
  spec.shared_embeddings = tables.source.raw() == tables.target.raw();
  spec.tied_output = tables.output.raw() == tables.target.raw();
  spec.sources["shared_embeddings"] = spec.sources["tied_output"] =
      weights.origin() + ": the tables that are there";

  spec.output_bias = weights.contains("final_logits_bias");
  if (!spec.output_bias) return;
  spec.sources["output_bias"] = weights.origin() + ": final_logits_bias";
  model.weights.output.bias = take_float(weights, "final_logits_bias", {1, spec.target_vocabulary})
                                  .reshaped({spec.target_vocabulary});
}

}  // namespace

FamilyModel load_marian(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  FamilyModel model;
  model.spec = read_spec(config, weights.origin(), limits);
  check_implemented(model.spec);
  for (int i = 0; i < model.spec.encoder.layers; ++i)
    model.weights.encoder.push_back(take_encoder_layer(weights, model.spec, i));
  for (int i = 0; i < model.spec.decoder.layers; ++i)
    model.weights.decoder.push_back(take_decoder_layer(weights, model.spec, i));
  take_output(weights, model);
  // Last, when the tensors have shown that the width is no invention.
  model.weights.encoder_positions =
      take_positions(weights, model.spec, model.spec.encoder, "encoder", limits);
  model.weights.decoder_positions =
      take_positions(weights, model.spec, model.spec.decoder, "decoder", limits);
  return model;
}

}  // namespace tandem
