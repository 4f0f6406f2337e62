// The intermediate results of one forward pass, used again by the next. One Workspace belongs to
// one thread together with its Backend; the model itself is immutable and shared.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "kernels/backend.h"
#include "nn/memory.h"

namespace tandem {

struct Workspace {
  Scratch hidden;     // [N, D] the residual stream
  Scratch normed;     // [N, D] a sub-layer's normalised input (pre-norm)
  Scratch projected;  // [N, 3 * H * head_dim] queries, keys, values; or the inputs of an SSRU
  Scratch context;    // [N, H * head_dim] what attention or a recurrence gives
  Scratch inner[2];   // [N, F] inside a feed-forward network, in turns
  Scratch cross;    // [N, 2 * H * head_dim] cross-attention keys and values of a batch in one layer
  Scratch added;    // [A, D] what is added to embedded tokens
  Scratch queried;  // [Q, D] hidden rows that are projected to logits
  Scratch logits;   // [Q, V]
  Scratch features;   // [T + 2, C] padded frames of one source
  Scratch convolved;  // [T + 2, D] between the convolutions of a front end
  std::vector<AttentionGroup> groups;
  std::vector<AttentionGroup> head_groups;  // the same for one head
  std::vector<TokenId> no_tokens;           // -1 for each row
  std::vector<TokenId> read_rows;           // where the rows of a token table were read to

  // Sees intermediate results by name: "encoder", layer 0 is the embedded input, layer l the
  // output of layer l. For tests that compare with another engine layer by layer, on backends whose
  // memory the host can read; usually empty.
  std::function<void(std::string_view stage, int layer, ConstMatrixView value)> probe;
};

}  // namespace tandem
