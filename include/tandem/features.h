/// What a model without a vocabulary on its source side reads: rows of numbers, such as the
/// log-mel spectrum that Whisper is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tandem/export.h>

namespace tandem {

/// A matrix [channels, frames], row after row.
struct TANDEM_EXPORT Features {
  std::int64_t channels = 0;  ///< mel bins
  std::int64_t frames = 0;    ///< steps of time
  std::vector<float> values;  ///< channels * frames

  bool empty() const noexcept { return values.empty(); }

  /// Reads a NumPy file of two axes and a float type. Throws Error: not_found, corrupt,
  /// unsupported, resource_exhausted (more than `max_bytes`).
  static Features read_npy(const std::string& path, std::size_t max_bytes = std::size_t{64} << 20);
};

}  // namespace tandem
