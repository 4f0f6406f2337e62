// EncoderDecoder's decoder: rows of tokens to hidden states, and those to logits.
#include <utility>

#include "base/check.h"
#include "models/encoder_decoder.h"
#include "models/input_checks.h"

namespace tandem {
namespace {

void clear_plan(ModelWorkspace& workspace) {
  workspace.ids.clear();
  workspace.positions.clear();
  workspace.new_slots.clear();
  workspace.previous_slots.clear();
  workspace.rows.clear();
}

// Where the last `fed` positions of `row` stand.
void plan_slots(ModelWorkspace& workspace, const DecoderRow& row, std::size_t fed) {
  const std::size_t cached = row.slots.size() - fed;
  workspace.rows.push_back({static_cast<std::int64_t>(workspace.new_slots.size()),
                            static_cast<std::int32_t>(fed), static_cast<std::int32_t>(cached),
                            row.slots.data()});
  for (std::size_t p = cached; p < row.slots.size(); ++p) {
    workspace.new_slots.push_back(row.slots[p]);
    workspace.previous_slots.push_back(p == 0 ? -1 : row.slots[p - 1]);
  }
}

}  // namespace

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
  clear_plan(workspace);
  for (const DecoderRow& row : rows) {
    check_row(row);
    plan_slots(workspace, row, row.tokens.size());
    workspace.ids.insert(workspace.ids.end(), row.tokens.begin(), row.tokens.end());
    auto position = static_cast<std::int32_t>(row.slots.size() - row.tokens.size());
    for (const TokenId token : row.tokens)
      workspace.positions.push_back(position_row(spec_.decoder, token, position++));
  }
}

void EncoderDecoder::plan_chosen(ModelWorkspace& workspace,
                                 std::span<const DecoderRow> rows) const {
  clear_plan(workspace);
  for (const DecoderRow& row : rows) {
    TANDEM_CHECK(row.source != nullptr && !row.slots.empty());
    check_positions(static_cast<std::int64_t>(row.slots.size()), max_target_positions(), "target");
    plan_slots(workspace, row, 1);
    workspace.positions.push_back(static_cast<std::int32_t>(row.slots.size() - 1) +
                                  spec_.decoder.position_offset);
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
  const MatrixView x = workspace.layers.hidden.matrix(
      backend, static_cast<std::int64_t>(workspace.ids.size()), spec_.model_dim);
  target_embedding_.forward(backend, workspace.ids, workspace.positions, x, workspace.layers);
  run_layers(backend, rows, x, state, workspace, observed);
  return x;
}

ConstMatrixView EncoderDecoder::decode_chosen(Backend& backend, const Candidate* chosen,
                                              std::span<const DecoderRow> rows, DecoderState& state,
                                              ModelWorkspace& workspace) const {
  plan_chosen(workspace, rows);
  const MatrixView x = workspace.layers.hidden.matrix(
      backend, static_cast<std::int64_t>(rows.size()), spec_.model_dim);
  target_embedding_.forward(backend, TokenIds(chosen, rows.size()), workspace.positions, x,
                            workspace.layers);
  run_layers(backend, rows, x, state, workspace, {});
  return x;
}

void EncoderDecoder::run_layers(Backend& backend, std::span<const DecoderRow> rows, MatrixView x,
                                DecoderState& state, ModelWorkspace& workspace,
                                const ObservedAttention& observed) const {
  const StepBatch batch{workspace.rows, workspace.new_slots, workspace.previous_slots};
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
