// Token ids to vectors: scale * table[id] + positions[position].
#pragma once

#include <span>

#include "kernels/backend.h"
#include "nn/memory.h"

namespace tandem {

// Immutable. Encoder and decoder may share the parameters and differ in the rest.
class Embedding {
 public:
  Embedding() = default;
  // table [V, D]; positions [P, D], or empty for a model without them.
  Embedding(Parameter table, Parameter positions, float scale)
      : table_(std::move(table)), positions_(std::move(positions)), scale_(scale) {}

  std::int64_t vocabulary_size() const { return table_.view().rows(); }
  // Positions that there are; 0: the model has none, and any number will do.
  std::int64_t max_positions() const { return positions_.view().rows(); }

  // out [N, D]. The caller checks ids (a negative one is a row of zeros) and positions.
  void forward(Backend& backend, std::span<const TokenId> ids,
               std::span<const std::int32_t> positions, MatrixView out) const {
    backend.embed(table_.view(), ids, scale_, positions_.view(), positions, out);
  }

 private:
  Parameter table_;
  Parameter positions_;
  float scale_ = 1.0F;
};

}  // namespace tandem
