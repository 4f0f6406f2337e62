#include "nn/token_table.h"

#include <utility>

#include "base/check.h"

namespace tandem {

TokenTable::TokenTable(const Tensor& table, FileBytes file) : view_(table), file_(std::move(file)) {
  const std::span<const std::byte> all = file_.bytes();
  TANDEM_CHECK(table.dtype() == DType::float32);
  TANDEM_CHECK(table.raw() >= all.data() && table.bytes() <= all.size() &&
               table.raw() <= all.data() + (all.size() - table.bytes()));
}

void TokenTable::embed(Backend& backend, TokenIds ids, float scale, ConstMatrixView positions,
                       std::span<const std::int32_t> position_ids, MatrixView out,
                       Workspace& workspace) const {
  if (!rows_.empty()) return backend.embed(view_, ids, scale, positions, position_ids, out);
  const MatrixView read = workspace.normed.matrix(backend, out.rows(), out.cols());
  workspace.read_rows.clear();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const TokenId id = ids[i];
    const auto n = static_cast<TokenId>(workspace.read_rows.size());
    workspace.read_rows.push_back(id < 0 ? id : n);
    if (id < 0) continue;
    const auto* row = reinterpret_cast<const std::byte*>(view_.row<float>(id));
    file_.copy(static_cast<std::size_t>(row - file_.bytes().data()),
               std::as_writable_bytes(
                   std::span(read.row<float>(n), static_cast<std::size_t>(out.cols()))));
  }
  backend.embed(read, workspace.read_rows, scale, positions, position_ids, out);
}

}  // namespace tandem
