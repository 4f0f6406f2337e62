// The vectors of a vocabulary, [V, D] float32, of which a pass looks up one row for each token.
//
// They lie in the memory of a backend, or, beside a CPU, in the mapped file of a packed model. From
// a large table in a file each row is read when it is wanted (FileBytes::copy): through the
// mapping, random tokens soon make all of it resident, more than all int8 weights of a base-size
// model.
//
// Cost: a row of a large table in a file is one system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/file_io.h"
#include "kernels/backend.h"
#include "nn/memory.h"
#include "nn/workspace.h"
#include "tensor/tensor.h"

namespace tandem {

// Immutable; copies share the memory.
class TokenTable {
 public:
  TokenTable() = default;  // no tokens
  explicit TokenTable(Parameter rows) : rows_(std::move(rows)), view_(rows_.view()) {}
  // For a CPU. `table` lies in `file`, and its rows are read from there.
  TokenTable(const Tensor& table, FileBytes file);

  std::int64_t rows() const { return view_.rows(); }
  // Of memory.
  std::size_t bytes() const { return rows_.bytes(); }

  // Backend::embed of this table. Throws Error{corrupt} when the file cannot be read.
  void embed(Backend& backend, TokenIds ids, float scale, ConstMatrixView positions,
             std::span<const std::int32_t> position_ids, MatrixView out,
             Workspace& workspace) const;

 private:
  Parameter rows_;  // empty: they are in the file
  ConstMatrixView view_;
  FileBytes file_;
};

}  // namespace tandem
