#include "models/encoder_decoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "base/check.h"
#include "base/checked_math.h"
#include "models/added_rows.h"

namespace tandem {
namespace {

void check_token(TokenId token, TokenId lowest, std::int64_t vocabulary, const char* side) {
  if (token >= lowest && token < vocabulary) return;
  throw Error(ErrorCode::invalid_argument, std::string("the ") + side + " has the token id " +
                                               std::to_string(token) + "; expected 0 to " +
                                               std::to_string(vocabulary - 1));
}

void check_positions(std::int64_t needed, std::int64_t available, const char* side) {
  if (available == 0 || needed <= available) return;
  throw Error(ErrorCode::invalid_argument,
              std::string("the ") + side + " has " + std::to_string(needed) +
                  " tokens; the model has positions for " + std::to_string(available));
}

void probe(const ModelWorkspace& workspace, const char* stage, std::size_t layer,
           ConstMatrixView value) {
  if (workspace.layers.probe) workspace.layers.probe(stage, static_cast<int>(layer), value);
}

// The heads of one attention that are masked; workspace.masked_in_layer holds them.
std::span<const MaskedHead> masked_heads(ModelWorkspace& workspace, AttentionKind attention,
                                         std::size_t layer) {
  workspace.masked_in_layer.clear();
  for (const MaskedHead& head : workspace.masked_heads)
    if (head.attention == attention && head.layer == static_cast<int>(layer))
      workspace.masked_in_layer.push_back(head);
  return workspace.masked_in_layer;
}

// Where a probe sees the attention of head 0: a row of weights for each token. Empty without one.
class ProbedWeights {
 public:
  ProbedWeights(const ModelWorkspace& workspace, std::int64_t tokens) {
    if (!workspace.layers.probe) return;
    weights_ = Tensor::zeros({tokens, tokens}, DType::float32);
    for (std::int64_t i = 0; i < tokens; ++i)
      rows_.push_back(weights_.mutable_data<float>().data() + i * tokens);
  }

  float* const* rows() const { return rows_.empty() ? nullptr : rows_.data(); }
  ConstMatrixView view() const {
    const auto tokens = static_cast<std::int64_t>(rows_.size());
    return {weights_.raw(), DType::float32, tokens, tokens, tokens};
  }

 private:
  Tensor weights_;
  std::vector<float*> rows_;
};

}  // namespace

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
  const bool stays = weights.tables_stay && backend.device().kind() == Device::Kind::cpu;
  const auto pack_shared = [&](const Tensor& tensor, const Tensor& other, const Parameter& packed) {
    if (!tensor.empty() && tensor.raw() == other.raw()) return packed;
    Parameter parameter = stays ? Parameter::borrow(tensor) : Parameter(backend, tensor);
    bytes_ += parameter.bytes();
    return parameter;
  };
  const Parameter source_table = pack_shared(weights.source_embedding, {}, {});
  const Parameter target_table =
      pack_shared(weights.target_embedding, weights.source_embedding, source_table);
  const Parameter source_positions = pack_shared(weights.encoder_positions, {}, {});
  const Parameter target_positions =
      pack_shared(weights.decoder_positions, weights.encoder_positions, source_positions);
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

// --- encoder -----------------------------------------------------------------------------------

void EncoderDecoder::check_source(std::span<const TokenId> ids) const {
  if (ids.empty())
    throw Error(ErrorCode::invalid_argument,
                "the source has no tokens; expected at least the end of the sentence");
  check_positions(static_cast<std::int64_t>(ids.size()), max_source_positions(), "source");
  for (const TokenId id : ids) check_token(id, 0, source_embedding_.vocabulary_size(), "source");
}

void EncoderDecoder::plan_sources(ModelWorkspace& workspace,
                                  std::span<const EncoderInput> sources) const {
  workspace.ids.clear();
  workspace.positions.clear();
  workspace.sentences.clear();
  for (const EncoderInput& source : sources) {
    const std::span<const TokenId> ids = source.ids;
    check_source(ids);
    check_added(source, spec_.model_dim);
    const auto length = checked_cast<std::int32_t>(ids.size(), "source length");
    workspace.sentences.push_back({static_cast<std::int64_t>(workspace.ids.size()), length});
    workspace.ids.insert(workspace.ids.end(), ids.begin(), ids.end());
    std::int32_t counted = 0;
    for (const TokenId id : ids) {
      workspace.positions.push_back(position_row(spec_.encoder, id, counted));
      if (!is_uncounted(id)) ++counted;
    }
  }
}

std::vector<std::shared_ptr<const EncodedSource>> EncoderDecoder::encode(
    Backend& backend, std::span<const std::span<const TokenId>> sources,
    ModelWorkspace& workspace) const {
  std::vector<EncoderInput> inputs;
  for (const std::span<const TokenId> ids : sources) inputs.push_back({ids});
  return encode(backend, inputs, workspace);
}

std::vector<std::shared_ptr<const EncodedSource>> EncoderDecoder::encode(
    Backend& backend, std::span<const EncoderInput> sources, ModelWorkspace& workspace) const {
  for (const EncoderInput& source : sources)
    if ((source.features != nullptr) != reads_features())
      throw Error(ErrorCode::invalid_argument, reads_features()
                                                   ? "this model reads features, not tokens"
                                                   : "this model reads tokens, not features");
  return reads_features() ? encode_features(backend, sources, workspace)
                          : encode_tokens(backend, sources, workspace);
}

std::vector<std::shared_ptr<const EncodedSource>> EncoderDecoder::encode_tokens(
    Backend& backend, std::span<const EncoderInput> sources, ModelWorkspace& workspace) const {
  plan_sources(workspace, sources);
  const auto tokens = static_cast<std::int64_t>(workspace.ids.size());
  const MatrixView x = workspace.layers.hidden.matrix(backend, tokens, spec_.model_dim);
  source_embedding_.forward(backend, workspace.ids, workspace.positions, x, workspace.layers,
                            plan_added(backend, sources, spec_.model_dim, workspace));
  auto encoded = encode_embedded(backend, x, workspace);
  for (std::size_t s = 0; s < sources.size(); ++s)
    encoded[s]->ids.assign(sources[s].ids.begin(), sources[s].ids.end());
  return {encoded.begin(), encoded.end()};
}

std::vector<std::shared_ptr<const EncodedSource>> EncoderDecoder::encode_features(
    Backend& backend, std::span<const EncoderInput> sources, ModelWorkspace& workspace) const {
  const std::int64_t positions = front_end_.positions();
  std::vector<const Features*> features;
  workspace.sentences.clear();
  for (std::size_t s = 0; s < sources.size(); ++s) {
    check_added(sources[s], spec_.model_dim);
    features.push_back(sources[s].features);
    workspace.sentences.push_back(
        {static_cast<std::int64_t>(s) * positions, static_cast<std::int32_t>(positions)});
  }
  const MatrixView x = workspace.layers.hidden.matrix(
      backend, static_cast<std::int64_t>(sources.size()) * positions, spec_.model_dim);
  front_end_.forward(backend, features, x, workspace.layers);
  const auto encoded = encode_embedded(backend, x, workspace);
  return {encoded.begin(), encoded.end()};
}

std::vector<std::shared_ptr<EncodedSource>> EncoderDecoder::encode_embedded(
    Backend& backend, MatrixView x, ModelWorkspace& workspace) const {
  probe(workspace, "encoder", 0, x);
  const ProbedWeights weights(workspace, x.rows());
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    const HeadUse heads{weights.rows(), 0, masked_heads(workspace, AttentionKind::encoder, i)};
    encoder_[i].self.encode(backend, x, workspace.sentences, workspace.layers, heads);
    probe(workspace, "encoder.self.weights", i + 1, weights.view());
    probe(workspace, "encoder.self", i + 1, x);
    encoder_[i].feed_forward.forward(backend, x, workspace.layers);
    probe(workspace, "encoder", i + 1, x);
  }
  if (!encoder_final_norm_.empty()) encoder_final_norm_.forward(backend, x, x);
  probe(workspace, "encoder.output", encoder_.size(), x);
  workspace.encoded = x;

  // One product a layer over all sentences, then each sentence's rows into memory of its own, so
  // that it is freed when that sentence is finished.
  const std::int64_t columns = decoder_.empty() ? 0 : decoder_.front().cross.source_columns();
  const std::int64_t all_columns = columns * static_cast<std::int64_t>(decoder_.size());
  const MatrixView projected = workspace.layers.cross.matrix(backend, x.rows(), all_columns);
  for (std::size_t i = 0; i < decoder_.size(); ++i)
    decoder_[i].cross.project_source(
        backend, x, projected.slice_cols(static_cast<std::int64_t>(i) * columns, columns));

  std::vector<std::shared_ptr<EncodedSource>> encoded;
  for (const RowRange& rows : workspace.sentences) {
    auto source = std::make_shared<EncodedSource>();
    source->memory =
        backend.allocate(static_cast<std::size_t>(rows.count * all_columns) * sizeof(float));
    const MatrixView own(source->memory->data(), DType::float32, rows.count, all_columns,
                         all_columns);
    workspace.positions.resize(static_cast<std::size_t>(rows.count));
    std::iota(workspace.positions.begin(), workspace.positions.end(),
              static_cast<std::int32_t>(rows.first));
    backend.gather_rows(projected, workspace.positions, own);
    for (std::size_t i = 0; i < decoder_.size(); ++i)
      source->keys_values.push_back(
          own.slice_cols(static_cast<std::int64_t>(i) * columns, columns));
    encoded.push_back(std::move(source));
  }
  return encoded;
}

// --- decoder -----------------------------------------------------------------------------------

DecoderState EncoderDecoder::new_state(Backend& backend) const {
  std::vector<LayerState> layers;
  for (const DecoderLayer& layer : decoder_) {
    const bool recurrent = std::holds_alternative<Ssru>(layer.self);
    layers.push_back(
        {recurrent ? StateKind::recurrent : StateKind::key_value,
         std::visit([](const auto& self) { return self.state_columns(); }, layer.self)});
  }
  return DecoderState(backend, std::move(layers));
}

void EncoderDecoder::check_row(const DecoderRow& row) const {
  TANDEM_CHECK(row.source != nullptr && !row.tokens.empty() &&
               row.slots.size() >= row.tokens.size());
  check_positions(static_cast<std::int64_t>(row.slots.size()), max_target_positions(), "target");
  for (const TokenId token : row.tokens)
    check_token(token, -1, target_embedding_.vocabulary_size(), "target");
}

void EncoderDecoder::plan_rows(ModelWorkspace& workspace, std::span<const DecoderRow> rows) const {
  workspace.ids.clear();
  workspace.positions.clear();
  workspace.new_slots.clear();
  workspace.previous_slots.clear();
  workspace.rows.clear();
  for (const DecoderRow& row : rows) {
    check_row(row);
    const auto cached = static_cast<std::int32_t>(row.slots.size() - row.tokens.size());
    workspace.rows.push_back({static_cast<std::int64_t>(workspace.ids.size()),
                              static_cast<std::int32_t>(row.tokens.size()), cached,
                              row.slots.data()});
    workspace.ids.insert(workspace.ids.end(), row.tokens.begin(), row.tokens.end());
    for (std::size_t p = static_cast<std::size_t>(cached); p < row.slots.size(); ++p) {
      workspace.positions.push_back(position_row(spec_.decoder,
                                                 row.tokens[p - static_cast<std::size_t>(cached)],
                                                 static_cast<std::int32_t>(p)));
      workspace.new_slots.push_back(row.slots[p]);
      workspace.previous_slots.push_back(p == 0 ? -1 : row.slots[p - 1]);
    }
  }
}

// All neighbouring rows of a source are one group: its keys and values are read once for them.
void EncoderDecoder::attend_to_sources(Backend& backend, std::span<const DecoderRow> rows,
                                       std::size_t layer, MatrixView x, ModelWorkspace& workspace,
                                       const ObservedAttention& observed) const {
  workspace.sources.clear();
  const EncodedSource* last = nullptr;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const StepRow& row = workspace.rows[r];
    if (rows[r].source == last) {
      workspace.sources.back().queries.count += row.num_queries;
    } else {
      last = rows[r].source;
      workspace.sources.push_back({{row.first_query, row.num_queries}, last->keys_values[layer]});
    }
  }
  HeadUse heads;
  const int observed_layer = observed.layer < 0 ? spec_.guided_alignment_layer : observed.layer;
  if (static_cast<int>(layer) == observed_layer) {
    heads.weights = observed.weights;
    heads.observed = observed.head;
  }
  heads.masked = masked_heads(workspace, AttentionKind::cross, layer);
  decoder_[layer].cross.forward(backend, x, workspace.sources, workspace.layers, heads);
}

ConstMatrixView EncoderDecoder::decode(Backend& backend, std::span<const DecoderRow> rows,
                                       DecoderState& state, ModelWorkspace& workspace,
                                       ObservedAttention observed) const {
  plan_rows(workspace, rows);
  const StepBatch batch{workspace.rows, workspace.new_slots, workspace.previous_slots};
  const MatrixView x = workspace.layers.hidden.matrix(
      backend, static_cast<std::int64_t>(workspace.ids.size()), spec_.model_dim);
  target_embedding_.forward(backend, workspace.ids, workspace.positions, x, workspace.layers);
  probe(workspace, "decoder", 0, x);
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    if (const auto* ssru = std::get_if<Ssru>(&decoder_[i].self))
      ssru->decode(backend, x, batch, state.layer(i), workspace.layers);
    else
      std::get<SelfAttention>(decoder_[i].self)
          .decode(backend, x, batch, state.layer(i), workspace.layers,
                  HeadUse{nullptr, 0, masked_heads(workspace, AttentionKind::decoder, i)});
    probe(workspace, "decoder.self", i + 1, x);
    attend_to_sources(backend, rows, i, x, workspace, observed);
    decoder_[i].feed_forward.forward(backend, x, workspace.layers);
    probe(workspace, "decoder", i + 1, x);
  }
  if (!decoder_final_norm_.empty()) decoder_final_norm_.forward(backend, x, x);
  probe(workspace, "decoder.output", decoder_.size(), x);
  return x;
}

MatrixView EncoderDecoder::project(Backend& backend, ConstMatrixView hidden,
                                   std::span<const std::int32_t> rows, const PackedLinear& output,
                                   ModelWorkspace& workspace) const {
  const auto count = static_cast<std::int64_t>(rows.size());
  bool all = count == hidden.rows();
  for (std::size_t i = 0; all && i < rows.size(); ++i)
    all = rows[i] == static_cast<std::int32_t>(i);
  ConstMatrixView queried = hidden;
  if (!all) {
    const MatrixView gathered = workspace.layers.queried.matrix(backend, count, hidden.cols());
    backend.gather_rows(hidden, rows, gathered);
    queried = gathered;
  }
  const MatrixView logits = workspace.layers.logits.matrix(backend, count, output.outputs());
  backend.linear(queried, output, {}, logits);
  return logits;
}

}  // namespace tandem
