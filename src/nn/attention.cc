#include "nn/attention.h"

#include <array>
#include <utility>

namespace tandem {
namespace {

std::int64_t attention_width(const AttentionShape& shape) {
  return std::int64_t{shape.num_heads} * shape.head_dim;
}

Linear pack_key_value(Backend& backend, const AttentionWeights& weights, ComputeType type) {
  const std::array parts{&weights.key, &weights.value};
  return Linear(backend, stack_outputs(parts, weights.name + ", keys and values"), type);
}

Linear pack_output(Backend& backend, const AttentionWeights& weights, ComputeType type) {
  return weights.output.empty() ? Linear() : Linear(backend, weights.output, type);
}

// x += context W_o, or x += context where the model has no output projection; then the norm.
void add_context(Backend& backend, ConstMatrixView context, const Linear& output,
                 const SublayerNorm& norm, MatrixView x) {
  if (output.empty())
    backend.add(context, x, x);
  else
    output.forward(backend, context, x, {.activation = Activation::none, .residual = x});
  norm.after(backend, x);
}

}  // namespace

SelfAttention::SelfAttention(Backend& backend, const AttentionWeights& weights,
                             const AttentionSettings& settings, SublayerNorm norm)
    : shape_(settings.shape),
      distance_bias_(settings.distance_bias),
      width_(attention_width(settings.shape)),
      output_(pack_output(backend, weights, settings.type)),
      norm_(std::move(norm)) {
  shape_.distance_bias = distance_bias_.view();
  if (settings.keys == KeyInput::raw) {
    query_ = Linear(backend, weights.query, settings.type);
    key_value_ = pack_key_value(backend, weights, settings.type);
  } else {
    const std::array parts{&weights.query, &weights.key, &weights.value};
    query_key_value_ = Linear(
        backend, stack_outputs(parts, weights.name + ", queries, keys and values"), settings.type);
  }
}

MatrixView SelfAttention::project(Backend& backend, ConstMatrixView x, Workspace& workspace) const {
  const MatrixView projected = workspace.projected.matrix(backend, x.rows(), 3 * width_);
  const ConstMatrixView input = norm_.before(backend, x, workspace.normed);
  if (key_value_.empty()) {
    query_key_value_.forward(backend, input, projected);
  } else {
    query_.forward(backend, input, projected.slice_cols(0, width_));
    key_value_.forward(backend, x, projected.slice_cols(width_, 2 * width_));
  }
  return projected;
}

void SelfAttention::finish(Backend& backend, ConstMatrixView queries, MatrixView x,
                           Workspace& workspace, float* const* weights_of_head0) const {
  const MatrixView context = workspace.context.matrix(backend, x.rows(), width_);
  backend.attention(queries, workspace.groups, shape_, context, weights_of_head0);
  add_context(backend, context, output_, norm_, x);
}

void SelfAttention::encode(Backend& backend, MatrixView x, std::span<const RowRange> sentences,
                           Workspace& workspace, float* const* weights_of_head0) const {
  const MatrixView projected = project(backend, x, workspace);
  const ConstMatrixView keys = projected.slice_cols(width_, width_);
  const ConstMatrixView values = projected.slice_cols(2 * width_, width_);
  workspace.groups.clear();
  for (const RowRange& sentence : sentences) {
    AttentionGroup group;
    group.first_query = sentence.first;
    group.num_queries = sentence.count;
    group.keys = keys.slice_rows(sentence.first, sentence.count);
    group.values = values.slice_rows(sentence.first, sentence.count);
    group.num_keys = sentence.count;
    workspace.groups.push_back(group);
  }
  finish(backend, projected.slice_cols(0, width_), x, workspace, weights_of_head0);
}

void SelfAttention::decode(Backend& backend, MatrixView x, const StepBatch& batch, MatrixView state,
                           Workspace& workspace) const {
  const MatrixView projected = project(backend, x, workspace);
  backend.scatter_rows(projected.slice_cols(width_, 2 * width_), batch.new_slots, state);
  workspace.groups.clear();
  for (const StepRow& row : batch.rows) {
    AttentionGroup group;
    group.first_query = row.first_query;
    group.num_queries = row.num_queries;
    group.keys = state.slice_cols(0, width_);
    group.values = state.slice_cols(width_, width_);
    group.slots = row.slots;
    group.num_keys = row.num_cached + 1;
    group.causal = true;
    group.first_position = row.num_cached;
    workspace.groups.push_back(group);
  }
  finish(backend, projected.slice_cols(0, width_), x, workspace, nullptr);
}

std::size_t SelfAttention::bytes() const {
  return query_key_value_.bytes() + query_.bytes() + key_value_.bytes() + output_.bytes();
}

CrossAttention::CrossAttention(Backend& backend, const AttentionWeights& weights,
                               const AttentionSettings& settings, SublayerNorm norm)
    : shape_(settings.shape),
      width_(attention_width(settings.shape)),
      query_(backend, weights.query, settings.type),
      key_value_(pack_key_value(backend, weights, settings.type)),
      output_(pack_output(backend, weights, settings.type)),
      norm_(std::move(norm)) {}

void CrossAttention::forward(Backend& backend, MatrixView x, std::span<const Source> sources,
                             float* const* weights_of_head0, Workspace& workspace) const {
  const ConstMatrixView input = norm_.before(backend, x, workspace.normed);
  const MatrixView queries = workspace.projected.matrix(backend, x.rows(), width_);
  query_.forward(backend, input, queries);
  workspace.groups.clear();
  for (const Source& source : sources) {
    AttentionGroup group;
    group.first_query = source.queries.first;
    group.num_queries = source.queries.count;
    group.keys = source.keys_values.slice_cols(0, width_);
    group.values = source.keys_values.slice_cols(width_, width_);
    group.num_keys = static_cast<std::int32_t>(source.keys_values.rows());
    workspace.groups.push_back(group);
  }
  const MatrixView context = workspace.context.matrix(backend, x.rows(), width_);
  backend.attention(queries, workspace.groups, shape_, context, weights_of_head0);
  add_context(backend, context, output_, norm_, x);
}

}  // namespace tandem
