#include "models/families/whisper.h"

#include <cmath>
#include <string>

#include "models/families/hugging_face.h"
#include "nn/convolution.h"
#include "nn/mel_front_end.h"

namespace tandem {
namespace {

constexpr std::int64_t kMaxChannels = 1 << 12;

StackSpec read_stack(const JsonObject& config, ModelSpec& spec, const std::string& side,
                     const std::string& positions_key, const Limits& limits) {
  StackSpec stack = stack_by_keys(config, spec, side, positions_key, limits);
  stack.positions = PositionKind::table;
  stack.final_norm = true;
  return stack;
}

ModelSpec read_spec(const JsonObject& config, const std::string& origin, const Limits& limits) {
  ModelSpec spec;
  spec.family = "whisper";
  spec.origin = origin;
  spec.norm_placement = NormPlacement::pre;
  spec.front_end = FrontEnd::mel_convolution;
  spec.model_dim = size_by_key(config, spec, "model_dim", "d_model", kMaxDim);
  spec.feature_channels =
      size_by_key(config, spec, "feature_channels", "num_mel_bins", kMaxChannels);
  spec.target_vocabulary = config.required_integer("vocab_size", 1, limits.max_vocabulary);
  spec.sources["target_vocabulary"] = "config.json: vocab_size";
  spec.encoder = read_stack(config, spec, "encoder", "max_source_positions", limits);
  spec.decoder = read_stack(config, spec, "decoder", "max_target_positions", limits);
  spec.head_dim = spec.model_dim / spec.encoder.heads;
  spec.sources["head_dim"] = "config.json: d_model / encoder_attention_heads";
  if (config.boolean("scale_embedding").value_or(false))
    spec.embedding_scale = std::sqrt(static_cast<float>(spec.model_dim));
  spec.sources["embedding_scale"] = "config.json: scale_embedding";
  spec.activation = activation_by_name(config, "activation_function", "gelu");
  spec.sources["activation"] = "config.json: activation_function";
  spec.guided_alignment_layer = spec.decoder.layers - 1;
  spec.decoder_start_token = token_by_key(config, "decoder_start_token_id", spec.target_vocabulary);
  spec.pad_token = token_by_key(config, "pad_token_id", spec.target_vocabulary);
  spec.eos_tokens = tokens_by_key(config, "eos_token_id", spec.target_vocabulary);
  spec.sources["decoder_start_token"] = "config.json: decoder_start_token_id";
  spec.sources["pad_token"] = "config.json: pad_token_id";
  spec.sources["eos_tokens"] = "config.json: eos_token_id";
  return spec;
}

AttentionWeights attention(WeightMap& weights, const std::string& name, std::int64_t dim) {
  AttentionWeights attention;
  attention.name = weights.origin() + ": " + name;
  attention.query = take_linear(weights, name + ".q_proj", dim, dim);
  attention.key.weight = take_float(weights, name + ".k_proj.weight", {dim, dim});
  attention.value = take_linear(weights, name + ".v_proj", dim, dim);
  attention.output = take_linear(weights, name + ".out_proj", dim, dim);
  attention.norm = take_norm(weights, name + "_layer_norm", dim);
  return attention;
}

LinearWeights convolution(WeightMap& weights, const std::string& name, std::int64_t outputs,
                          std::int64_t channels) {
  LinearWeights linear;
  linear.weight = convolution_weights(
      take_float(weights, name + ".weight", {outputs, channels, MelFrontEnd::kKernel}));
  linear.bias = take_float(weights, name + ".bias", {outputs});
  return linear;
}

void take_encoder(WeightMap& weights, FamilyModel& model) {
  const ModelSpec& spec = model.spec;
  const std::string side = "model.encoder";
  model.weights.front_end = {
      convolution(weights, side + ".conv1", spec.model_dim, spec.feature_channels),
      convolution(weights, side + ".conv2", spec.model_dim, spec.model_dim)};
  for (int i = 0; i < spec.encoder.layers; ++i) {
    const std::string layer = side + ".layers." + std::to_string(i);
    model.weights.encoder.push_back(
        {attention(weights, layer + ".self_attn", spec.model_dim),
         take_feed_forward(weights, layer, spec.encoder.feed_forward_dim, spec.model_dim)});
  }
  model.weights.encoder_final_norm = take_norm(weights, side + ".layer_norm", spec.model_dim);
  model.weights.encoder_positions = take_float(weights, side + ".embed_positions.weight",
                                               {spec.encoder.max_positions, spec.model_dim});
}

void take_decoder(WeightMap& weights, FamilyModel& model) {
  ModelSpec& spec = model.spec;
  const std::string side = "model.decoder";
  for (int i = 0; i < spec.decoder.layers; ++i) {
    const std::string layer = side + ".layers." + std::to_string(i);
    model.weights.decoder.push_back(
        {attention(weights, layer + ".self_attn", spec.model_dim),
         attention(weights, layer + ".encoder_attn", spec.model_dim),
         take_feed_forward(weights, layer, spec.decoder.feed_forward_dim, spec.model_dim)});
  }
  model.weights.decoder_final_norm = take_norm(weights, side + ".layer_norm", spec.model_dim);
  const std::string table = side + ".embed_tokens";
  const Embeddings tables =
      take_embeddings(weights, {table, table, table, "proj_out"}, spec.target_vocabulary,
                      spec.target_vocabulary, spec.model_dim);
  model.weights.target_embedding = tables.target;
  model.weights.output.weight = tables.output;
  spec.tied_output = tables.output.raw() == tables.target.raw();
  spec.sources["tied_output"] = weights.origin() + ": the tables that are there";
  model.weights.decoder_positions = take_float(weights, side + ".embed_positions.weight",
                                               {spec.decoder.max_positions, spec.model_dim});
}

}  // namespace

FamilyModel load_whisper(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  FamilyModel model;
  model.spec = read_spec(config, weights.origin(), limits);
  check_implemented(model.spec);
  take_encoder(weights, model);
  take_decoder(weights, model);
  return model;
}

}  // namespace tandem
