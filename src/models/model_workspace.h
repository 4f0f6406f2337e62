// ModelWorkspace: what one thread needs to run a model; grows, and is used again by the next pass.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tandem/heads.h>

#include "nn/attention.h"
#include "nn/workspace.h"

namespace tandem {

struct ModelWorkspace {
  Workspace layers;
  std::vector<TokenId> ids;
  std::vector<std::int32_t> positions, new_slots, previous_slots;
  std::vector<RowRange> sentences;
  std::vector<std::int32_t> added_rows;  // ascending
  std::vector<float> added_values;       // for each of them D numbers
  std::vector<StepRow> rows;
  std::vector<CrossAttention::Source> sources;
  ConstMatrixView encoded;  // [N, D] what the last encode gave, until the next pass

  // Heads that every pass with this workspace masks.
  std::vector<MaskedHead> masked_heads;
  std::vector<MaskedHead> masked_in_layer;  // those of the attention that runs

  // Those of one attention; valid until the next call.
  std::span<const MaskedHead> masks(AttentionKind attention, std::size_t layer);

  // Shows a result to Workspace::probe, if there is one.
  void show(const char* stage, std::size_t layer, ConstMatrixView value) const {
    if (layers.probe) layers.probe(stage, static_cast<int>(layer), value);
  }
};

}  // namespace tandem
