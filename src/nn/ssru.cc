#include "nn/ssru.h"

#include <array>
#include <utility>

namespace tandem {
namespace {

Linear pack_candidate_forget(Backend& backend, const SsruWeights& weights, ComputeType type) {
  const std::array parts{&weights.candidate, &weights.forget};
  return Linear(backend, stack_outputs(parts, weights.name + ", candidate and forget gate"), type);
}

}  // namespace

Ssru::Ssru(Backend& backend, const SsruWeights& weights, SublayerNorm norm, ComputeType type)
    : candidate_forget_(pack_candidate_forget(backend, weights, type)), norm_(std::move(norm)) {}

void Ssru::decode(Backend& backend, MatrixView x, const StepBatch& batch, MatrixView state,
                  Workspace& workspace) const {
  const std::int64_t dim = state_columns();
  const MatrixView projected = workspace.projected.matrix(backend, x.rows(), 2 * dim);
  candidate_forget_.forward(backend, norm_.before(backend, x, workspace.normed), projected);
  const MatrixView output = workspace.context.matrix(backend, x.rows(), dim);
  backend.ssru(projected.slice_cols(0, dim), projected.slice_cols(dim, dim), batch.previous_slots,
               batch.new_slots, state, output);
  backend.add(output, x, x);
  norm_.after(backend, x);
}

}  // namespace tandem
