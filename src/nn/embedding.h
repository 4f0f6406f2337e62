// Token ids to vectors: scale * table[id] + positions[position], normed where the model wants it.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "nn/memory.h"
#include "nn/norm.h"
#include "nn/token_table.h"
#include "nn/workspace.h"

namespace tandem {

// What the embeddings' norm sees.
enum class EmbeddingNorm : std::uint8_t {
  none,   // there is none
  sum,    // tokens and positions: BART
  tokens  // table[id] alone, unscaled; positions are added after: the decoder of Blenderbot 90M
};

// Vectors that are added to some rows of the embedded tokens.
struct AddedRows {
  std::span<const std::int32_t> rows;  // ascending
  ConstMatrixView values;              // [rows, D]
};

// Immutable. Encoder and decoder may share the parameters and differ in the rest.
class Embedding {
 public:
  Embedding() = default;
  // table [V, D]; positions [P, D], or empty for a model without them; `norm` is empty for kind
  // none.
  Embedding(TokenTable table, Parameter positions, float scale, EmbeddingNorm kind, Norm norm)
      : table_(std::move(table)),
        positions_(std::move(positions)),
        scale_(scale),
        kind_(kind),
        norm_(std::move(norm)) {}

  std::int64_t vocabulary_size() const { return table_.rows(); }
  // Rows of the position table; 0: the model has none, and any position will do.
  std::int64_t position_rows() const { return positions_.view().rows(); }

  // out [N, D]. The caller checks ids (a negative one is a row of zeros) and positions, which are
  // rows of the position table. `added` comes before the norm.
  void forward(Backend& backend, TokenIds ids, std::span<const std::int32_t> positions,
               MatrixView out, Workspace& workspace, const AddedRows& added = {}) const {
    if (kind_ == EmbeddingNorm::tokens) {
      table_.embed(backend, ids, /*scale=*/1.0F, {}, {}, out, workspace);
      add_rows(backend, added, out, workspace);
      norm_.forward(backend, out, out);
      const MatrixView rows = workspace.normed.matrix(backend, out.rows(), out.cols());
      backend.gather_rows(positions_.view(), positions, rows);
      backend.add(out, rows, out);
      return;
    }
    table_.embed(backend, ids, scale_, positions_.view(), positions, out, workspace);
    add_rows(backend, added, out, workspace);
    if (kind_ != EmbeddingNorm::none) norm_.forward(backend, out, out);
  }

 private:
  static void add_rows(Backend& backend, const AddedRows& added, MatrixView out,
                       Workspace& workspace) {
    if (added.rows.empty()) return;
    const MatrixView sum = workspace.normed.matrix(backend, added.values.rows(), out.cols());
    backend.gather_rows(out, added.rows, sum);
    backend.add(sum, added.values, sum);
    backend.scatter_rows(sum, added.rows, out);
  }

  TokenTable table_;
  Parameter positions_;
  float scale_ = 1.0F;
  EmbeddingNorm kind_ = EmbeddingNorm::none;
  Norm norm_;
};

}  // namespace tandem
