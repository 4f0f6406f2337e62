#include "nn/attention.h"

#include <array>
#include <utility>

#include "base/check.h"

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

// One head of an attention, as an attention of its own.
struct HeadView {
  AttentionShape shape;
  ConstMatrixView queries;
  MatrixView context;
};

// Also fills workspace.head_groups.
HeadView view_head(const AttentionShape& shape, int head, ConstMatrixView queries,
                   MatrixView context, Workspace& workspace) {
  TANDEM_CHECK(head >= 0 && head < shape.num_heads);
  const std::int64_t column = std::int64_t{head} * shape.head_dim;
  HeadView view{shape, queries.slice_cols(column, shape.head_dim),
                context.slice_cols(column, shape.head_dim)};
  view.shape.num_heads = 1;
  if (shape.distance_bias.rows() > 0)
    view.shape.distance_bias = shape.distance_bias.slice_rows(head, 1);
  workspace.head_groups = workspace.groups;
  for (AttentionGroup& group : workspace.head_groups) {
    group.keys = group.keys.slice_cols(column, shape.head_dim);
    group.values = group.values.slice_cols(column, shape.head_dim);
  }
  return view;
}

void mask_head(Backend& backend, HeadMask mask, HeadView head, Workspace& workspace) {
  if (mask == HeadMask::zero) {
    workspace.no_tokens.assign(static_cast<std::size_t>(head.context.rows()), -1);
    backend.embed(head.queries, workspace.no_tokens, 1.0F, {}, {}, head.context);
    return;
  }
  head.shape.scale = 0;  // all scores are equal
  head.shape.distance_bias = {};
  backend.attention(head.queries, workspace.head_groups, head.shape, head.context, nullptr);
}

// Attention of workspace.groups.
void attend(Backend& backend, ConstMatrixView queries, const AttentionShape& shape,
            const HeadUse& heads, MatrixView context, Workspace& workspace) {
  const bool is_first = heads.observed == 0;
  backend.attention(queries, workspace.groups, shape, context, is_first ? heads.weights : nullptr);
  if (heads.weights != nullptr && !is_first) {
    const HeadView head = view_head(shape, heads.observed, queries, context, workspace);
    backend.attention(head.queries, workspace.head_groups, head.shape, head.context, heads.weights);
  }
  for (const MaskedHead& masked : heads.masked)
    mask_head(backend, masked.mask, view_head(shape, masked.head, queries, context, workspace),
              workspace);
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
                           Workspace& workspace, const HeadUse& heads) const {
  const MatrixView context = workspace.context.matrix(backend, x.rows(), width_);
  attend(backend, queries, shape_, heads, context, workspace);
  add_context(backend, context, output_, norm_, x);
}

void SelfAttention::encode(Backend& backend, MatrixView x, std::span<const RowRange> sentences,
                           Workspace& workspace, const HeadUse& heads) const {
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
  finish(backend, projected.slice_cols(0, width_), x, workspace, heads);
}

void SelfAttention::decode(Backend& backend, MatrixView x, const StepBatch& batch, MatrixView state,
                           Workspace& workspace, const HeadUse& heads) const {
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
  finish(backend, projected.slice_cols(0, width_), x, workspace, heads);
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
                             Workspace& workspace, const HeadUse& heads) const {
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
  attend(backend, queries, shape_, heads, context, workspace);
  add_context(backend, context, output_, norm_, x);
}

}  // namespace tandem
