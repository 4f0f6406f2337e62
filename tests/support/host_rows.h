// The rows of a matrix that lies in the memory of a backend, on the host.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace tandem {

inline std::vector<std::vector<float>> host_rows(Backend& backend, ConstMatrixView view) {
  std::vector<std::vector<float>> rows;
  for (std::int64_t r = 0; r < view.rows(); ++r) {
    rows.emplace_back(static_cast<std::size_t>(view.cols()));
    backend.to_host(rows.back().data(), view.row<float>(r), rows.back().size() * sizeof(float));
  }
  return rows;
}

}  // namespace tandem
