// EncoderDecoder's encoder: sentences or features to what the decoder needs of them.
#include <cstddef>
#include <numeric>
#include <utility>

#include <tandem/error.h>

#include "base/checked_math.h"
#include "models/added_rows.h"
#include "models/encoder_decoder.h"
#include "models/input_checks.h"

namespace tandem {
namespace {

// Where a probe sees the attention of head 0: a row of weights for each token. Empty without one.
class ProbedWeights {
 public:
  ProbedWeights(const ModelWorkspace& workspace, std::int64_t tokens) {
    if (!workspace.layers.probe) return;
    weights_ = Tensor::zeros({tokens, tokens}, DType::float32);
    for (std::int64_t i = 0; i < tokens; ++i)
      rows_.push_back(weights_.mutable_data<float>().data() + i * tokens);
  }

  float* const* rows_from(std::int64_t first) const {
    return rows_.empty() ? nullptr : rows_.data() + first;
  }
  ConstMatrixView view() const {
    const auto tokens = static_cast<std::int64_t>(rows_.size());
    return {weights_.raw(), DType::float32, tokens, tokens, tokens};
  }

 private:
  Tensor weights_;
  std::vector<float*> rows_;
};

// How many tokens go through a sub-layer together on a CPU: in base size, 128 rows inside a
// feed-forward network are 1 MB, a second-level cache. A GPU wants all of them. No number depends
// on it, since a row's bits do not depend on the rows beside it.
constexpr std::int64_t kTokensTogether = 128;

// Neighbouring sentences that go through a sub-layer together.
struct Part {
  std::int64_t begin = 0, rows = 0;  // in the matrix of all sentences
  std::vector<RowRange> sentences;   // in the part
};

std::vector<Part> parts_of(std::span<const RowRange> sentences, const Backend& backend) {
  const bool split = backend.device().kind() == Device::Kind::cpu;
  std::vector<Part> parts;
  for (const RowRange& sentence : sentences) {
    if (parts.empty() || (split && parts.back().rows + sentence.count > kTokensTogether))
      parts.push_back({.begin = sentence.first, .rows = 0, .sentences = {}});
    parts.back().sentences.push_back({parts.back().rows, sentence.count});
    parts.back().rows += sentence.count;
  }
  return parts;
}

}  // namespace

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
  workspace.show("encoder", 0, x);
  const ProbedWeights weights(workspace, x.rows());
  const std::vector<Part> parts = parts_of(workspace.sentences, backend);
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    for (const Part& part : parts) {
      const HeadUse heads{weights.rows_from(part.begin), 0,
                          workspace.masks(AttentionKind::encoder, i)};
      encoder_[i].self.encode(backend, x.slice_rows(part.begin, part.rows), part.sentences,
                              workspace.layers, heads);
    }
    workspace.show("encoder.self.weights", i + 1, weights.view());
    workspace.show("encoder.self", i + 1, x);
    for (const Part& part : parts)
      encoder_[i].feed_forward.forward(backend, x.slice_rows(part.begin, part.rows),
                                       workspace.layers);
    workspace.show("encoder", i + 1, x);
  }
  if (!encoder_final_norm_.empty()) encoder_final_norm_.forward(backend, x, x);
  workspace.show("encoder.output", encoder_.size(), x);
  workspace.encoded = x;

  std::vector<std::shared_ptr<EncodedSource>> encoded(workspace.sentences.size());
  for (auto& source : encoded) source = std::make_shared<EncodedSource>();
  for (std::size_t i = 0; i < decoder_.size(); ++i)
    project_sources(backend, x, i, encoded, workspace);
  return encoded;
}

// A product for a part of the sentences, then each one's rows into memory of its own, which is
// freed when that sentence is finished. A layer's rows lie one after another: a decoder step reads
// all of them.
void EncoderDecoder::project_sources(Backend& backend, ConstMatrixView x, std::size_t layer,
                                     std::span<const std::shared_ptr<EncodedSource>> encoded,
                                     ModelWorkspace& workspace) const {
  const CrossAttention& cross = decoder_[layer].cross;
  const std::int64_t columns = cross.source_columns();
  const DType type = cache_type(backend);
  std::size_t next = 0;  // sentence
  for (const Part& part : parts_of(workspace.sentences, backend)) {
    const MatrixView projected = workspace.layers.cross.matrix(backend, part.rows, columns);
    cross.project_source(backend, x.slice_rows(part.begin, part.rows), projected);
    for (const RowRange& rows : part.sentences) {
      const std::size_t layer_bytes = checked_mul(static_cast<std::size_t>(rows.count * columns),
                                                  size_of(type), "cross-attention");
      EncodedSource& source = *encoded[next++];
      if (layer == 0)
        source.memory =
            backend.allocate(checked_mul(layer_bytes, decoder_.size(), "cross-attention"));
      const MatrixView own(static_cast<std::byte*>(source.memory->data()) + layer * layer_bytes,
                           type, rows.count, columns, columns);
      workspace.positions.resize(static_cast<std::size_t>(rows.count));
      std::iota(workspace.positions.begin(), workspace.positions.end(),
                static_cast<std::int32_t>(rows.first));
      backend.gather_rows(projected, workspace.positions, own);
      source.keys_values.push_back(own);
    }
  }
}

}  // namespace tandem
