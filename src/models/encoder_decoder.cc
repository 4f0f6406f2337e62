#include "models/encoder_decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace tandem {

// Token tables in a file are read row by row from this size on. A smaller one costs little memory,
// and the models it belongs to are quick enough to feel a system call.
constexpr std::size_t kReadTableBytes = std::size_t{32} << 20;

LinearWeights scaled_output(const LinearWeights& output, float logits_scale) {
  if (logits_scale == 1.0F || output.packed != nullptr) return output;
  const Tensor weight = dequantize(output.weight, output.weight_scales);
  LinearWeights scaled = output;
  scaled.weight_scales.clear();
  scaled.product_scales.clear();
  scaled.weight = Tensor::zeros(weight.shape(), DType::float32);
  std::ranges::transform(weight.data<float>(), scaled.weight.mutable_data<float>().begin(),
                         [&](float value) { return value * logits_scale; });
  return scaled;
}

// --- loading -----------------------------------------------------------------------------------

EncoderDecoder::EncoderDecoder(ModelSpec spec, const ModelWeights& weights, ComputeType type,
                               Backend& backend)
    : spec_(std::move(spec)), type_(type) {
  check_implemented(spec_);
  TANDEM_CHECK(weights.encoder.size() == static_cast<std::size_t>(spec_.encoder.layers));
  TANDEM_CHECK(weights.decoder.size() == static_cast<std::size_t>(spec_.decoder.layers));
  pack_embeddings(backend, weights);
  pack_encoder(backend, weights);
  pack_decoder(backend, weights);
  pack_output(backend, weights.output);
}

void EncoderDecoder::pack_embeddings(Backend& backend, const ModelWeights& weights) {
  const bool stays = !weights.file.bytes().empty() && backend.device().kind() == Device::Kind::cpu;
  const auto pack = [&](const Tensor& tensor) {
    return stays ? Parameter::borrow(tensor) : Parameter(backend, tensor);
  };
  const auto pack_tokens = [&](const Tensor& tensor) {
    if (stays && tensor.bytes() >= kReadTableBytes) return TokenTable(tensor, weights.file);
    return TokenTable(pack(tensor));
  };
  // The second of two tables is the first where they are the same.
  const auto pack_both = [&](const Tensor& first, const Tensor& second, const auto& pack_one) {
    auto one = pack_one(first);
    const bool shared = !second.empty() && second.raw() == first.raw();
    auto other = shared ? one : pack_one(second);
    bytes_ += one.bytes() + (shared ? 0 : other.bytes());
    return std::pair(std::move(one), std::move(other));
  };
  const auto [source_table, target_table] =
      pack_both(weights.source_embedding, weights.target_embedding, pack_tokens);
  const auto [source_positions, target_positions] =
      pack_both(weights.encoder_positions, weights.decoder_positions, pack);
  if (reads_features()) {
    front_end_ = MelFrontEnd(backend, weights.front_end, source_positions, type_);
    bytes_ += front_end_.bytes();
  }
  source_embedding_ =
      Embedding(source_table, source_positions, spec_.embedding_scale, spec_.encoder.embedding_norm,
                norm(backend, weights.encoder_embedding_norm));
  target_embedding_ =
      Embedding(target_table, target_positions, spec_.embedding_scale, spec_.decoder.embedding_norm,
                norm(backend, weights.decoder_embedding_norm));
}

SublayerNorm EncoderDecoder::sublayer_norm(Backend& backend, const NormWeights& weights) const {
  return SublayerNorm(norm(backend, weights), spec_.norm_placement);
}

AttentionSettings EncoderDecoder::attention_settings(const StackSpec& stack) const {
  AttentionSettings settings;
  settings.shape.num_heads = stack.heads;
  settings.shape.head_dim = spec_.head_dim;
  if (spec_.attention_scale == AttentionScale::inverse_sqrt_head_dim)
    settings.shape.scale = 1.0F / std::sqrt(static_cast<float>(spec_.head_dim));
  settings.keys = keys_of_self_attention(spec_);
  settings.type = type_;
  return settings;
}

std::vector<Parameter> EncoderDecoder::pack_relative_bias(Backend& backend,
                                                          const std::vector<Tensor>& tables,
                                                          const StackSpec& stack,
                                                          Direction direction) {
  const auto layers = static_cast<std::size_t>(stack.layers);
  if (spec_.relative_bias == RelativeBias::none) return std::vector<Parameter>(layers);
  const bool shared = spec_.relative_bias == RelativeBias::shared_by_layers;
  TANDEM_CHECK(tables.size() == (shared ? 1 : layers));
  std::vector<Parameter> packed;
  for (const Tensor& table : tables) {
    packed.emplace_back(backend, bias_by_distance(table, {direction, spec_.relative_buckets,
                                                          spec_.relative_max_distance}));
    bytes_ += packed.back().bytes();
  }
  if (shared) packed.resize(layers, packed.front());
  return packed;
}

void EncoderDecoder::pack_output(Backend& backend, const LinearWeights& weights) {
  output_ = Linear(backend, scaled_output(weights, spec_.logits_scale), type_);
  bytes_ += output_.bytes();
  TANDEM_CHECK(output_.outputs() == spec_.target_vocabulary && output_.inputs() == spec_.model_dim);
}

void EncoderDecoder::pack_encoder(Backend& backend, const ModelWeights& weights) {
  AttentionSettings attention = attention_settings(spec_.encoder);
  const std::vector<Parameter> bias =
      pack_relative_bias(backend, weights.encoder_relative_bias, spec_.encoder, Direction::both);
  for (const EncoderLayerWeights& layer : weights.encoder) {
    attention.distance_bias = bias[encoder_.size()];
    encoder_.push_back(EncoderLayer{
        SelfAttention(backend, layer.self, attention, sublayer_norm(backend, layer.self.norm)),
        FeedForward(backend, layer.feed_forward, spec_.activation,
                    sublayer_norm(backend, layer.feed_forward.norm), type_)});
    bytes_ += encoder_.back().self.bytes() + encoder_.back().feed_forward.bytes();
  }
  encoder_final_norm_ = norm(backend, weights.encoder_final_norm);
}

void EncoderDecoder::pack_decoder(Backend& backend, const ModelWeights& weights) {
  AttentionSettings attention = attention_settings(spec_.decoder);
  const std::vector<Parameter> bias = pack_relative_bias(backend, weights.decoder_relative_bias,
                                                         spec_.decoder, Direction::backward);
  const auto pack_self =
      [&](const DecoderLayerWeights& layer) -> std::variant<SelfAttention, Ssru> {
    if (const auto* ssru = std::get_if<SsruWeights>(&layer.self))
      return Ssru(backend, *ssru, sublayer_norm(backend, ssru->norm), type_);
    const auto& self = std::get<AttentionWeights>(layer.self);
    return SelfAttention(backend, self, attention, sublayer_norm(backend, self.norm));
  };
  for (const DecoderLayerWeights& layer : weights.decoder) {
    attention.distance_bias = bias[decoder_.size()];
    decoder_.push_back(DecoderLayer{
        pack_self(layer),
        CrossAttention(backend, layer.cross, attention, sublayer_norm(backend, layer.cross.norm)),
        FeedForward(backend, layer.feed_forward, spec_.activation,
                    sublayer_norm(backend, layer.feed_forward.norm), type_)});
    const DecoderLayer& packed = decoder_.back();
    bytes_ += std::visit([](const auto& self) { return self.bytes(); }, packed.self) +
              packed.cross.bytes() + packed.feed_forward.bytes();
  }
  decoder_final_norm_ = norm(backend, weights.decoder_final_norm);
}

// --- positions ---------------------------------------------------------------------------------

std::int64_t EncoderDecoder::max_source_positions() const {
  return source_embedding_.position_rows() -
         (source_embedding_.position_rows() > 0 ? spec_.encoder.position_offset : 0);
}

std::int64_t EncoderDecoder::max_target_positions() const {
  return target_embedding_.position_rows() -
         (target_embedding_.position_rows() > 0 ? spec_.decoder.position_offset : 0);
}

bool EncoderDecoder::is_uncounted(TokenId id) const {
  return spec_.padding_aware_positions && id == spec_.pad_token;
}

std::int32_t EncoderDecoder::position_row(const StackSpec& stack, TokenId id,
                                          std::int32_t position) const {
  return is_uncounted(id) ? spec_.pad_token : position + stack.position_offset;
}

DType EncoderDecoder::cache_type(const Backend& backend) const {
  const bool recurrent = std::ranges::any_of(
      decoder_, [](const DecoderLayer& layer) { return std::holds_alternative<Ssru>(layer.self); });
  return recurrent ? DType::float32 : backend.cache_type(type_);
}

}  // namespace tandem
