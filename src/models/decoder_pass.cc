// EncoderDecoder's decoder: rows of tokens to hidden states, and those to logits.
#include <utility>

#include "base/check.h"
#include "models/encoder_decoder.h"
#include "models/input_checks.h"

namespace tandem {

DecoderState EncoderDecoder::new_state(Backend& backend) const {
  std::vector<LayerState> layers;
  for (const DecoderLayer& layer : decoder_) {
    const bool recurrent = std::holds_alternative<Ssru>(layer.self);
    layers.push_back({recurrent ? StateKind::recurrent : StateKind::key_value,
                      std::visit([](const auto& self) { return self.state_columns(); }, layer.self),
                      recurrent ? DType::float32 : cache_type(backend)});
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
  heads.masked = workspace.masks(AttentionKind::cross, layer);
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
  workspace.show("decoder", 0, x);
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    if (const auto* ssru = std::get_if<Ssru>(&decoder_[i].self))
      ssru->decode(backend, x, batch, state.layer(i), workspace.layers);
    else
      std::get<SelfAttention>(decoder_[i].self)
          .decode(backend, x, batch, state.layer(i), workspace.layers,
                  HeadUse{nullptr, 0, workspace.masks(AttentionKind::decoder, i)});
    workspace.show("decoder.self", i + 1, x);
    attend_to_sources(backend, rows, i, x, workspace, observed);
    decoder_[i].feed_forward.forward(backend, x, workspace.layers);
    workspace.show("decoder", i + 1, x);
  }
  if (!decoder_final_norm_.empty()) decoder_final_norm_.forward(backend, x, x);
  workspace.show("decoder.output", decoder_.size(), x);
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
