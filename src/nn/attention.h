// Multi-head attention sub-layers, Vaswani et al. 2017, section 3.2.2 (arXiv 1706.03762).
//
//   x + concat_h( softmax(scale * Q_h K_h^T + bias_h) V_h ) W_o
//
// The bias, of models that have one, depends on the distance of key and query alone
// (relative_positions.h) and enters self-attention only.
//
// Batches are ragged: sentences stand one after another without padding, and each query names the
// keys that it sees (Backend::attention). Q, K and V of self-attention are one product where they
// read the same input; K and V of cross-attention are computed once for each sentence.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tandem/heads.h>

#include "kernels/backend.h"
#include "nn/kv_cache.h"
#include "nn/linear.h"
#include "nn/memory.h"
#include "nn/norm.h"
#include "nn/workspace.h"

namespace tandem {

// Names: tensors q, k, v are [H * head_dim, D], o is [D, H * head_dim].
struct AttentionWeights {
  LinearWeights query, key, value;
  LinearWeights output;  // an empty weight: no output projection
  NormWeights norm;
  std::string name;  // of the sub-layer in its file, for messages
};

// What self-attention's keys and values are computed from in a pre-norm model.
enum class KeyInput : std::uint8_t {
  normalized,  // the same as the queries
  raw          // the residual stream (native Marian; marian-dev, transformer.h)
};

struct AttentionSettings {
  AttentionShape shape;
  KeyInput keys = KeyInput::normalized;
  ComputeType type = ComputeType::float32;
  Parameter distance_bias;  // AttentionShape::distance_bias of self-attention; empty: none
};

// Consecutive rows of a ragged matrix that are one sentence.
struct RowRange {
  std::int64_t first = 0;
  std::int32_t count = 0;
};

// What is wanted of single heads of one attention. What is not wanted costs nothing; what is costs
// the attention of that head once more.
struct HeadUse {
  // Null, or for each query a pointer to as many floats as it sees keys: the weights of `observed`.
  float* const* weights = nullptr;
  int observed = 0;
  std::span<const MaskedHead> masked;  // heads of this attention
};

class SelfAttention {
 public:
  SelfAttention(Backend& backend, const AttentionWeights& weights,
                const AttentionSettings& settings, SublayerNorm norm);

  // x [N, D], the residual stream, is updated. In the encoder every row of a sentence sees all of
  // it.
  void encode(Backend& backend, MatrixView x, std::span<const RowRange> sentences,
              Workspace& workspace, const HeadUse& heads = {}) const;
  // In the decoder a row sees its cached positions and itself; `state` [slots, state_columns()]
  // holds keys and values and receives those of this step.
  void decode(Backend& backend, MatrixView x, const StepBatch& batch, MatrixView state,
              Workspace& workspace, const HeadUse& heads = {}) const;

  std::int64_t state_columns() const { return 2 * width_; }
  std::size_t bytes() const;

 private:
  // [N, 3 * width_]: queries, keys, values.
  MatrixView project(Backend& backend, ConstMatrixView x, Workspace& workspace) const;
  void finish(Backend& backend, ConstMatrixView queries, MatrixView x, Workspace& workspace,
              const HeadUse& heads) const;

  AttentionShape shape_;
  Parameter distance_bias_;  // what shape_ refers to
  std::int64_t width_ = 0;   // H * head_dim
  Linear query_key_value_;   // empty when the keys are raw
  Linear query_, key_value_;
  Linear output_;
  SublayerNorm norm_;
};

class CrossAttention {
 public:
  CrossAttention(Backend& backend, const AttentionWeights& weights,
                 const AttentionSettings& settings, SublayerNorm norm);

  // Columns of a source position's keys and values: [H * head_dim | H * head_dim].
  std::int64_t source_columns() const { return 2 * width_; }
  // encoded [S, D], keys_values [S, source_columns()].
  void project_source(Backend& backend, ConstMatrixView encoded, MatrixView keys_values) const {
    key_value_.forward(backend, encoded, keys_values);
  }

  // A sentence's queries and what project_source gave for it.
  struct Source {
    RowRange queries;
    ConstMatrixView keys_values;  // [S, source_columns()]
  };
  // x [N, D], the residual stream, is updated.
  void forward(Backend& backend, MatrixView x, std::span<const Source> sources,
               Workspace& workspace, const HeadUse& heads = {}) const;
  std::size_t bytes() const { return query_.bytes() + key_value_.bytes() + output_.bytes(); }

 private:
  AttentionShape shape_;
  std::int64_t width_ = 0;
  Linear query_, key_value_, output_;
  SublayerNorm norm_;
};

}  // namespace tandem
