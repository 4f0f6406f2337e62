#include "models/families/bart_style.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "models/families/hugging_face.h"
#include "nn/positions.h"

namespace tandem {
namespace {

StackSpec read_stack(const BartStyle& style, const JsonObject& config, ModelSpec& spec,
                     const std::string& side, const Limits& limits) {
  StackSpec stack = stack_by_keys(config, spec, side, "max_position_embeddings", limits);
  stack.positions = style.positions;
  stack.final_norm = style.final_norm;
  if (style.position_start == PositionStart::two) stack.position_offset = 2;
  if (style.position_start == PositionStart::after_padding) {
    stack.position_offset = spec.pad_token + 1;
    spec.sources[side + ".position_offset"] = "config.json: pad_token_id + 1";
  }
  return stack;
}

void read_vocabularies(const BartStyle& style, const JsonObject& config, ModelSpec& spec,
                       const Limits& limits) {
  const std::string source_key(style.source_vocabulary_key);
  const std::string target_key(style.target_vocabulary_key);
  spec.source_vocabulary = config.required_integer(source_key, 1, limits.max_vocabulary);
  spec.target_vocabulary =
      config.integer(target_key, 1, limits.max_vocabulary).value_or(spec.source_vocabulary);
  spec.sources["source_vocabulary"] = "config.json: " + source_key;
  spec.sources["target_vocabulary"] =
      "config.json: " + (config.has(target_key) ? target_key : source_key);
}

void read_tokens(const BartStyle& style, const JsonObject& config, ModelSpec& spec) {
  const std::int64_t vocabulary = spec.target_vocabulary;
  // As transformers does: a model that names no start begins with its `bos`.
  const std::string start_key =
      config.has("decoder_start_token_id") ? "decoder_start_token_id" : "bos_token_id";
  spec.decoder_start_token = token_by_key(config, start_key, vocabulary);
  spec.pad_token = token_by_key(config, "pad_token_id", vocabulary);
  spec.eos_tokens = tokens_by_key(config, "eos_token_id", vocabulary);
  spec.sources["decoder_start_token"] = "config.json: " + start_key;
  spec.sources["pad_token"] = "config.json: pad_token_id";
  spec.sources["eos_tokens"] = "config.json: eos_token_id";
  if (style.position_start != PositionStart::after_padding) return;
  // The positions begin after it, in both vocabularies and in a table with room for it.
  config.required_integer("pad_token_id", 0,
                          std::min({spec.source_vocabulary, vocabulary, kMaxPositions}) - 1);
  spec.padding_aware_positions = true;
}

ModelSpec read_spec(const BartStyle& style, const JsonObject& config, const std::string& origin,
                    const Limits& limits) {
  ModelSpec spec;
  spec.family = style.family;
  spec.origin = origin;
  spec.norm_placement = style.norm_placement;
  spec.model_dim = size_by_key(config, spec, "model_dim", "d_model", kMaxDim);
  read_vocabularies(style, config, spec, limits);
  read_tokens(style, config, spec);
  spec.encoder = read_stack(style, config, spec, "encoder", limits);
  spec.encoder.embedding_norm = style.encoder_embedding_norm;
  spec.decoder = read_stack(style, config, spec, "decoder", limits);
  spec.decoder.embedding_norm = style.decoder_embedding_norm;
  spec.head_dim = spec.model_dim / spec.encoder.heads;
  spec.sources["head_dim"] = "config.json: d_model / encoder_attention_heads";
  if (config.boolean("scale_embedding").value_or(style.scale_embedding))
    spec.embedding_scale = std::sqrt(static_cast<float>(spec.model_dim));
  spec.sources["embedding_scale"] = "config.json: scale_embedding";
  spec.activation =
      activation_by_name(config, "activation_function", std::string(style.activation));
  spec.sources["activation"] = "config.json: activation_function";
  spec.guided_alignment_layer = spec.decoder.layers - 1;
  return spec;
}

// The tensors of one model, by BART's names.
class Reader {
 public:
  Reader(const BartStyle& style, WeightMap& weights, FamilyModel& model)
      : style_(style), weights_(weights), spec_(model.spec), out_(model.weights) {
    // Checkpoints that were saved without their output have no prefix.
    const auto& all = weights.all();
    const auto first = all.lower_bound("model.");
    if (first == all.end() || !first->first.starts_with("model.")) root_ = "";
  }

  void take_all(const Limits& limits) {
    for (int i = 0; i < spec_.encoder.layers; ++i) out_.encoder.push_back(encoder_layer(i));
    for (int i = 0; i < spec_.decoder.layers; ++i) out_.decoder.push_back(decoder_layer(i));
    take_norms("encoder", spec_.encoder, out_.encoder_embedding_norm, out_.encoder_final_norm);
    take_norms("decoder", spec_.decoder, out_.decoder_embedding_norm, out_.decoder_final_norm);
    take_tables();
    take_logits_bias();
    ignore_leftovers();
    ignore_classification_head(weights_);
    // Last, when the tensors have shown that the width is no invention.
    out_.encoder_positions = positions("encoder", spec_.encoder, limits);
    out_.decoder_positions = positions("decoder", spec_.decoder, limits);
  }

 private:
  std::string layer(const std::string& side, int index) const {
    return root_ + side + ".layers." + std::to_string(index);
  }
  AttentionWeights attention(const std::string& name) {
    return take_attention(weights_, name, name + "_layer_norm", spec_.model_dim);
  }
  EncoderLayerWeights encoder_layer(int index) {
    const std::string prefix = layer("encoder", index);
    return {attention(prefix + ".self_attn"),
            take_feed_forward(weights_, prefix, spec_.encoder.feed_forward_dim, spec_.model_dim)};
  }
  DecoderLayerWeights decoder_layer(int index) {
    const std::string prefix = layer("decoder", index);
    return {attention(prefix + ".self_attn"), attention(prefix + ".encoder_attn"),
            take_feed_forward(weights_, prefix, spec_.decoder.feed_forward_dim, spec_.model_dim)};
  }
  void take_norms(const std::string& side, const StackSpec& stack, NormWeights& embedding,
                  NormWeights& top) {
    if (stack.embedding_norm != EmbeddingNorm::none)
      embedding = take_norm(weights_, root_ + side + ".layernorm_embedding", spec_.model_dim);
    if (stack.final_norm) top = take_norm(weights_, root_ + side + ".layer_norm", spec_.model_dim);
  }

  void take_tables();
  void take_logits_bias();
  void ignore_leftovers();
  Tensor positions(const std::string& side, StackSpec& stack, const Limits& limits);

  const BartStyle& style_;
  WeightMap& weights_;
  ModelSpec& spec_;
  ModelWeights& out_;
  std::string root_ = "model.";
};

void Reader::take_tables() {
  const bool beside_the_model = style_.output_name == "lm_head";
  const EmbeddingNames names{root_ + "shared", root_ + "encoder.embed_tokens",
                             root_ + "decoder.embed_tokens",
                             (beside_the_model ? "" : root_) + std::string(style_.output_name)};
  const Embeddings tables = take_embeddings(weights_, names, spec_.source_vocabulary,
                                            spec_.target_vocabulary, spec_.model_dim);
  out_.source_embedding = tables.source;
  out_.target_embedding = tables.target;
  out_.output.weight = tables.output;
  spec_.shared_embeddings = tables.source.raw() == tables.target.raw();
  spec_.tied_output = tables.output.raw() == tables.target.raw();
  spec_.sources["shared_embeddings"] = spec_.sources["tied_output"] =
      weights_.origin() + ": the tables that are there";
}

void Reader::take_logits_bias() {
  spec_.output_bias = style_.logits_bias && weights_.contains("final_logits_bias");
  if (!spec_.output_bias) return;
  spec_.sources["output_bias"] = weights_.origin() + ": final_logits_bias";
  out_.output.bias = take_float(weights_, "final_logits_bias", {1, spec_.target_vocabulary})
                         .reshaped({spec_.target_vocabulary});
}

// What fairseq's conversions left in checkpoints, and computed tables that were saved as buffers.
void Reader::ignore_leftovers() {
  for (const std::string side : {"encoder", "decoder"})
    for (const char* name :
         {".version", ".embed_positions.weights", ".embed_positions._float_tensor"})
      weights_.ignore(root_ + side + name);
}

// The table that the file stores, or else the one that it was computed from, as far as Limits let a
// text reach: max_position_embeddings of a hostile file can say anything.
Tensor Reader::positions(const std::string& side, StackSpec& stack, const Limits& limits) {
  const std::string name = root_ + side + ".embed_positions.weight";
  if (stack.positions == PositionKind::table || weights_.contains(name)) {
    stack.positions = PositionKind::table;
    spec_.sources[side + ".positions"] = weights_.origin() + ": " + name;
    return take_float(weights_, name,
                      {std::int64_t{stack.max_positions} + stack.position_offset, spec_.model_dim});
  }
  const int longest = std::max(limits.max_source_tokens, limits.max_target_tokens) + 1;
  const std::int64_t rows =
      std::int64_t{std::min(stack.max_positions, longest)} + stack.position_offset;
  if (stack.positions == PositionKind::sinusoid_paper) return sinusoid_paper(rows, spec_.model_dim);
  Tensor table = sinusoid_tensor2tensor(rows, spec_.model_dim);
  if (spec_.padding_aware_positions) {
    const auto row = table.mutable_data<float>().subspan(
        static_cast<std::size_t>(spec_.pad_token) * static_cast<std::size_t>(spec_.model_dim),
        static_cast<std::size_t>(spec_.model_dim));
    std::fill(row.begin(), row.end(), 0.0F);
  }
  return table;
}

}  // namespace

FamilyModel load_bart_style(const BartStyle& style, const JsonObject& config, WeightMap& weights,
                            const Limits& limits) {
  FamilyModel model;
  model.spec = read_spec(style, config, weights.origin(), limits);
  check_implemented(model.spec);
  Reader(style, weights, model).take_all(limits);
  return model;
}

}  // namespace tandem
