#include "models/packed/parts.h"

#include <variant>

#include "nn/mel_front_end.h"

namespace tandem {
namespace {

std::size_t relative_tables(const ModelSpec& spec, const StackSpec& stack) {
  switch (spec.relative_bias) {
    case RelativeBias::none:
      return 0;
    case RelativeBias::shared_by_layers:
      return 1;
    case RelativeBias::each_layer:
      return static_cast<std::size_t>(stack.layers);
  }
  return 0;
}

// Walks one model; the prefix of a part's name is where it stands in the network.
class Walk {
 public:
  Walk(const ModelSpec& spec, PartVisitor& visitor) : spec_(spec), visitor_(visitor) {}

  void embeddings(ModelWeights& weights) {
    if (spec_.front_end == FrontEnd::mel_convolution)
      front_end(weights.front_end);
    else
      visitor_.table("source_embedding", weights.source_embedding,
                     {.rows = spec_.source_vocabulary, .columns = spec_.model_dim}, nullptr);
    visitor_.table(
        "target_embedding", weights.target_embedding,
        {.rows = spec_.target_vocabulary, .columns = spec_.model_dim},
        spec_.source_vocabulary == spec_.target_vocabulary ? &weights.source_embedding : nullptr);
    const bool same = spec_.encoder.positions != PositionKind::none &&
                      spec_.encoder.position_offset == spec_.decoder.position_offset;
    positions("encoder", spec_.encoder, weights.encoder_positions, nullptr);
    positions("decoder", spec_.decoder, weights.decoder_positions,
              same ? &weights.encoder_positions : nullptr);
  }

  void encoder(ModelWeights& weights) {
    stack("encoder", spec_.encoder, weights.encoder_embedding_norm, weights.encoder_final_norm,
          weights.encoder_relative_bias);
    for (std::size_t i = 0; i < weights.encoder.size(); ++i) {
      const std::string layer = "encoder." + std::to_string(i);
      self_attention(layer + ".self", spec_.encoder, weights.encoder[i].self);
      feed_forward(layer + ".feed_forward", weights.encoder[i].feed_forward);
    }
  }

  void decoder(ModelWeights& weights) {
    stack("decoder", spec_.decoder, weights.decoder_embedding_norm, weights.decoder_final_norm,
          weights.decoder_relative_bias);
    for (std::size_t i = 0; i < weights.decoder.size(); ++i) {
      const std::string layer = "decoder." + std::to_string(i);
      DecoderLayerWeights& parts = weights.decoder[i];
      if (auto* recurrent = std::get_if<SsruWeights>(&parts.self))
        ssru(layer + ".self", *recurrent);
      else
        self_attention(layer + ".self", spec_.decoder, std::get<AttentionWeights>(parts.self));
      cross_attention(layer + ".cross", parts.cross);
      feed_forward(layer + ".feed_forward", parts.feed_forward);
    }
  }

  void output(LinearWeights& weights) {
    product("output", {&weights}, spec_.target_vocabulary, spec_.model_dim);
  }

 private:
  template <std::size_t kCount>
  std::int64_t product(const std::string& name, LinearWeights* const (&stack)[kCount],
                       std::int64_t outputs, std::int64_t inputs) {
    return visitor_.product(name, stack, outputs, inputs);
  }

  void front_end(std::vector<LinearWeights>& convolutions) {
    std::int64_t channels = spec_.feature_channels;
    for (std::size_t i = 0; i < convolutions.size(); ++i) {
      product("front_end." + std::to_string(i), {&convolutions[i]}, spec_.model_dim,
              MelFrontEnd::kKernel * channels);
      channels = spec_.model_dim;
    }
  }

  void positions(const std::string& side, const StackSpec& stack, Tensor& table,
                 const Tensor* twin) {
    if (stack.positions == PositionKind::none) return;
    visitor_.table(side + "_positions", table,
                   {.rows = -1,
                    .columns = spec_.model_dim,
                    .least_rows = std::int64_t{stack.position_offset} + 1},
                   twin);
  }

  void norm(const std::string& name, NormWeights& weights) {
    visitor_.table(name + ".gain", weights.gain, {.columns = spec_.model_dim}, nullptr);
    if (spec_.norm == NormKind::layer)
      visitor_.table(name + ".bias", weights.bias, {.columns = spec_.model_dim}, nullptr);
  }

  void stack(const std::string& side, const StackSpec& stack, NormWeights& embedding_norm,
             NormWeights& final_norm, std::vector<Tensor>& relative_bias) {
    if (stack.embedding_norm != EmbeddingNorm::none) norm(side + "_embedding_norm", embedding_norm);
    if (stack.final_norm) norm(side + "_final_norm", final_norm);
    for (std::size_t i = 0; i < relative_bias.size(); ++i)
      visitor_.table(side + "_relative_bias." + std::to_string(i), relative_bias[i],
                     {.rows = spec_.relative_buckets, .columns = stack.heads}, nullptr);
  }

  void self_attention(const std::string& name, const StackSpec& stack, AttentionWeights& weights) {
    const std::int64_t width = std::int64_t{stack.heads} * spec_.head_dim;
    if (keys_of_self_attention(spec_) == KeyInput::raw) {
      product(name + ".query", {&weights.query}, width, spec_.model_dim);
      product(name + ".key_value", {&weights.key, &weights.value}, 2 * width, spec_.model_dim);
    } else {
      product(name + ".query_key_value", {&weights.query, &weights.key, &weights.value}, 3 * width,
              spec_.model_dim);
    }
    finish_attention(name, width, weights);
  }

  void cross_attention(const std::string& name, AttentionWeights& weights) {
    const std::int64_t width = std::int64_t{spec_.decoder.heads} * spec_.head_dim;
    product(name + ".query", {&weights.query}, width, spec_.model_dim);
    product(name + ".key_value", {&weights.key, &weights.value}, 2 * width, spec_.model_dim);
    finish_attention(name, width, weights);
  }

  void finish_attention(const std::string& name, std::int64_t width, AttentionWeights& weights) {
    weights.name = spec_.origin + ": " + name;
    if (spec_.attention_output_projection)
      product(name + ".output", {&weights.output}, spec_.model_dim, width);
    norm(name + ".norm", weights.norm);
  }

  void ssru(const std::string& name, SsruWeights& weights) {
    weights.name = spec_.origin + ": " + name;
    product(name + ".candidate_forget", {&weights.candidate, &weights.forget},
            2 * std::int64_t{spec_.model_dim}, spec_.model_dim);
    norm(name + ".norm", weights.norm);
  }

  void feed_forward(const std::string& name, FeedForwardWeights& weights) {
    std::int64_t inputs = spec_.model_dim;
    for (std::size_t i = 0; i < weights.linears.size(); ++i) {
      const bool last = i + 1 == weights.linears.size();
      inputs = product(name + "." + std::to_string(i), {&weights.linears[i]},
                       last ? spec_.model_dim : -1, inputs);
      if (i == 0 && spec_.gated_feed_forward)
        product(name + ".gate", {&weights.gate}, inputs, spec_.model_dim);
    }
    norm(name + ".norm", weights.norm);
  }

  const ModelSpec& spec_;
  PartVisitor& visitor_;
};

}  // namespace

void visit_parts(const ModelSpec& spec, ModelWeights& weights, PartVisitor& visitor) {
  Walk walk(spec, visitor);
  walk.embeddings(weights);
  walk.encoder(weights);
  walk.decoder(weights);
  walk.output(weights.output);
}

ModelWeights empty_weights(const ModelSpec& spec) {
  ModelWeights weights;
  if (spec.front_end == FrontEnd::mel_convolution)
    weights.front_end.resize(MelFrontEnd::kConvolutions);
  weights.encoder_relative_bias.resize(relative_tables(spec, spec.encoder));
  weights.decoder_relative_bias.resize(relative_tables(spec, spec.decoder));
  weights.encoder.resize(static_cast<std::size_t>(spec.encoder.layers));
  weights.decoder.resize(static_cast<std::size_t>(spec.decoder.layers));
  const auto depth = static_cast<std::size_t>(spec.feed_forward_depth);
  for (EncoderLayerWeights& layer : weights.encoder) layer.feed_forward.linears.resize(depth);
  for (DecoderLayerWeights& layer : weights.decoder) {
    layer.feed_forward.linears.resize(depth);
    if (spec.decoder_mixer == DecoderMixer::ssru) layer.self.emplace<SsruWeights>();
  }
  return weights;
}

}  // namespace tandem
