#include "models/families/t5.h"

#include <cmath>
#include <string>

#include <tandem/error.h>

#include "models/families/hugging_face.h"

namespace tandem {
namespace {

constexpr std::int64_t kMaxBuckets = 1 << 12;
// Attention keeps a number for each distance and head; T5 and its relatives use 128.
constexpr std::int64_t kMaxDistance = 1 << 12;

// --- configuration -----------------------------------------------------------------------------

void read_stacks(const JsonObject& config, ModelSpec& spec, const Limits& limits) {
  StackSpec stack;
  stack.layers = size_by_key(config, spec, "encoder.layers", "num_layers", limits.max_layers);
  stack.heads = size_by_key(config, spec, "encoder.heads", "num_heads", limits.max_heads);
  stack.feed_forward_dim = size_by_key(config, spec, "encoder.feed_forward_dim", "d_ff", kMaxDim);
  stack.final_norm = true;
  spec.encoder = spec.decoder = stack;
  spec.sources["decoder.layers"] = spec.sources["encoder.layers"];
  spec.sources["decoder.heads"] = spec.sources["encoder.heads"];
  spec.sources["decoder.feed_forward_dim"] = spec.sources["encoder.feed_forward_dim"];
  spec.decoder.layers = size_by_key(config, spec, "decoder.layers", "num_decoder_layers",
                                    limits.max_layers, stack.layers);
}

void read_relative_bias(const JsonObject& config, ModelSpec& spec) {
  spec.relative_bias =
      spec.family == "umt5" ? RelativeBias::each_layer : RelativeBias::shared_by_layers;
  spec.relative_buckets = size_by_key(config, spec, "relative_buckets",
                                      "relative_attention_num_buckets", kMaxBuckets, 32);
  spec.relative_max_distance = size_by_key(config, spec, "relative_max_distance",
                                           "relative_attention_max_distance", kMaxDistance, 128);
}

// "relu" is a plain network, "gated-silu" a gated one; "gated-gelu" has always meant the tanh form.
void read_feed_forward(const JsonObject& config, ModelSpec& spec) {
  static const std::string kKey = "feed_forward_proj", kGated = "gated-";
  std::string name = config.string(kKey).value_or(spec.family == "t5" ? "relu" : "gated-gelu");
  if (name == "gated-gelu") name = "gated-gelu_new";
  spec.gated_feed_forward = name.rfind(kGated, 0) == 0;
  if (spec.gated_feed_forward) name.erase(0, kGated.size());
  const JsonObject activation(nlohmann::json{{kKey, name}}, config.name());
  spec.activation = activation_by_name(activation, kKey, "");
  spec.sources["activation"] = spec.sources["gated_feed_forward"] = "config.json: " + kKey;
}

void read_norm(const JsonObject& config, ModelSpec& spec) {
  spec.norm = NormKind::rms;
  spec.norm_placement = NormPlacement::pre;
  spec.sources["norm_epsilon"] = "config.json: layer_norm_epsilon";
  const double epsilon = config.number("layer_norm_epsilon").value_or(1e-6);
  if (!(epsilon > 0 && epsilon < 1))
    throw Error(ErrorCode::corrupt, config.name() + ": layer_norm_epsilon is " +
                                        std::to_string(epsilon) + "; expected between 0 and 1");
  spec.norm_epsilon = static_cast<float>(epsilon);
}

void read_logits_scale(const JsonObject& config, ModelSpec& spec) {
  if (spec.family == "mt5") return;
  std::string key = "tie_word_embeddings";
  if (spec.family == "t5" && config.has("scale_decoder_outputs")) key = "scale_decoder_outputs";
  spec.sources["logits_scale"] = "config.json: " + key;
  if (config.boolean(key).value_or(true))
    spec.logits_scale = 1.0F / std::sqrt(static_cast<float>(spec.model_dim));
}

// What transformers takes for a key that is not written; an explicit null means none.
TokenId token_or(const JsonObject& config, const std::string& key, const ModelSpec& spec,
                 TokenId absent) {
  if (!config.json().contains(key)) return absent < spec.target_vocabulary ? absent : -1;
  return token_by_key(config, key, spec.target_vocabulary);
}

void read_tokens(const JsonObject& config, ModelSpec& spec) {
  spec.pad_token = token_or(config, "pad_token_id", spec, 0);
  spec.decoder_start_token = token_or(config, "decoder_start_token_id", spec, spec.pad_token);
  if (config.json().contains("eos_token_id"))
    spec.eos_tokens = tokens_by_key(config, "eos_token_id", spec.target_vocabulary);
  else if (const TokenId end = token_or(config, "eos_token_id", spec, 1); end >= 0)
    spec.eos_tokens = {end};
  for (const auto& [name, key] : {std::pair{"pad_token", "pad_token_id"},
                                  std::pair{"decoder_start_token", "decoder_start_token_id"},
                                  std::pair{"eos_tokens", "eos_token_id"}})
    if (config.has(key)) spec.sources[name] = std::string("config.json: ") + key;
}

ModelSpec read_spec(const JsonObject& config, const std::string& origin, const Limits& limits) {
  ModelSpec spec;
  spec.family = config.required_string("model_type");
  spec.origin = origin;
  spec.model_dim = size_by_key(config, spec, "model_dim", "d_model", kMaxDim);
  spec.head_dim = size_by_key(config, spec, "head_dim", "d_kv", kMaxDim);
  spec.independent_head_dim = true;
  spec.source_vocabulary = spec.target_vocabulary =
      config.required_integer("vocab_size", 1, limits.max_vocabulary);
  spec.sources["source_vocabulary"] = spec.sources["target_vocabulary"] = "config.json: vocab_size";
  read_stacks(config, spec, limits);
  read_norm(config, spec);
  spec.attention_scale = AttentionScale::none;
  read_relative_bias(config, spec);
  read_feed_forward(config, spec);
  read_logits_scale(config, spec);
  spec.guided_alignment_layer = spec.decoder.layers - 1;
  read_tokens(config, spec);
  return spec;
}

// --- tensors -----------------------------------------------------------------------------------

LinearWeights take_product(WeightMap& weights, const std::string& name, std::int64_t outputs,
                           std::int64_t inputs) {
  LinearWeights linear;
  linear.weight = take_float(weights, name + ".weight", {outputs, inputs});
  return linear;
}

NormWeights take_gain(WeightMap& weights, const std::string& name, const ModelSpec& spec) {
  return {take_float(weights, name + ".weight", {spec.model_dim}), {}};
}

// Sub-layer `layer`, such as "decoder.block.1.layer.0", with the products of `kind`.
AttentionWeights take_heads(WeightMap& weights, const std::string& layer, const std::string& kind,
                            const ModelSpec& spec) {
  const std::string name = layer + "." + kind;
  const std::int64_t width = std::int64_t{spec.encoder.heads} * spec.head_dim;
  AttentionWeights attention;
  attention.name = weights.origin() + ": " + name;
  attention.query = take_product(weights, name + ".q", width, spec.model_dim);
  attention.key = take_product(weights, name + ".k", width, spec.model_dim);
  attention.value = take_product(weights, name + ".v", width, spec.model_dim);
  attention.output = take_product(weights, name + ".o", spec.model_dim, width);
  attention.norm = take_gain(weights, layer + ".layer_norm", spec);
  return attention;
}

FeedForwardWeights take_dense(WeightMap& weights, const std::string& layer, const ModelSpec& spec) {
  const std::string name = layer + ".DenseReluDense";
  const std::int64_t inner = spec.encoder.feed_forward_dim, dim = spec.model_dim;
  FeedForwardWeights dense;
  if (spec.gated_feed_forward) dense.gate = take_product(weights, name + ".wi_0", inner, dim);
  dense.linears.push_back(
      take_product(weights, name + (spec.gated_feed_forward ? ".wi_1" : ".wi"), inner, dim));
  dense.linears.push_back(take_product(weights, name + ".wo", dim, inner));
  dense.norm = take_gain(weights, layer + ".layer_norm", spec);
  return dense;
}

// Of the first layer, or of all.
std::vector<Tensor> take_relative_bias(WeightMap& weights, const std::string& side,
                                       const StackSpec& stack, const ModelSpec& spec) {
  std::vector<Tensor> tables;
  const int layers = spec.relative_bias == RelativeBias::each_layer ? stack.layers : 1;
  for (int i = 0; i < layers; ++i)
    tables.push_back(take_float(weights,
                                side + ".block." + std::to_string(i) +
                                    ".layer.0.SelfAttention.relative_attention_bias.weight",
                                {spec.relative_buckets, stack.heads}));
  return tables;
}

void take_encoder(WeightMap& weights, FamilyModel& model) {
  const ModelSpec& spec = model.spec;
  for (int i = 0; i < spec.encoder.layers; ++i) {
    const std::string block = "encoder.block." + std::to_string(i) + ".layer.";
    model.weights.encoder.push_back({take_heads(weights, block + "0", "SelfAttention", spec),
                                     take_dense(weights, block + "1", spec)});
  }
  model.weights.encoder_relative_bias = take_relative_bias(weights, "encoder", spec.encoder, spec);
  model.weights.encoder_final_norm = take_gain(weights, "encoder.final_layer_norm", spec);
}

void take_decoder(WeightMap& weights, FamilyModel& model) {
  const ModelSpec& spec = model.spec;
  for (int i = 0; i < spec.decoder.layers; ++i) {
    const std::string block = "decoder.block." + std::to_string(i) + ".layer.";
    model.weights.decoder.push_back({take_heads(weights, block + "0", "SelfAttention", spec),
                                     take_heads(weights, block + "1", "EncDecAttention", spec),
                                     take_dense(weights, block + "2", spec)});
  }
  model.weights.decoder_relative_bias = take_relative_bias(weights, "decoder", spec.decoder, spec);
  model.weights.decoder_final_norm = take_gain(weights, "decoder.final_layer_norm", spec);
  // The first checkpoints of T5 have a table for cross-attention, which never used it.
  weights.ignore("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight");
}

void take_tables(WeightMap& weights, FamilyModel& model) {
  ModelSpec& spec = model.spec;
  const EmbeddingNames names{"shared", "encoder.embed_tokens", "decoder.embed_tokens", "lm_head"};
  const Embeddings tables = take_embeddings(weights, names, spec.source_vocabulary,
                                            spec.target_vocabulary, spec.model_dim);
  model.weights.source_embedding = tables.source;
  model.weights.target_embedding = tables.target;
  model.weights.output.weight = tables.output;
  spec.shared_embeddings = tables.source.raw() == tables.target.raw();
  spec.tied_output = tables.output.raw() == tables.target.raw();
  spec.sources["shared_embeddings"] = spec.sources["tied_output"] =
      weights.origin() + ": the tables that are there";
}

}  // namespace

FamilyModel load_t5(const JsonObject& config, WeightMap& weights, const Limits& limits) {
  FamilyModel model;
  model.spec = read_spec(config, weights.origin(), limits);
  check_implemented(model.spec);
  weights.drop_prefix("transformer.");  // of a classifier
  take_encoder(weights, model);
  take_decoder(weights, model);
  take_tables(weights, model);
  ignore_classification_head(weights);
  return model;
}

}  // namespace tandem
