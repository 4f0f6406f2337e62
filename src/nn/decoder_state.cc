#include "nn/decoder_state.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include <tandem/error.h>

#include "base/checked_math.h"

namespace tandem {

// The first allocation: a sentence or two, so that short calls never grow.
constexpr std::int64_t kFirstSlots = 128;

void DecoderState::reserve(std::int64_t count) {
  if (count <= pool_.available()) return;
  const std::int64_t needed = pool_.live() + count;
  const std::int64_t capacity = std::max({needed, 2 * std::int64_t{pool_.capacity()}, kFirstSlots});
  if (capacity > std::numeric_limits<std::int32_t>::max())
    throw Error(ErrorCode::resource_exhausted,
                "the decoder's cache would need " + std::to_string(needed) + " positions at once");

  std::vector<std::int32_t> used(static_cast<std::size_t>(pool_.capacity()));
  std::iota(used.begin(), used.end(), 0);
  // One layer after another, so that the old and the new storage of one layer are there at once and
  // not of all. A failure half way leaves some layers larger than the pool, which harms nothing.
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto columns = static_cast<std::size_t>(layers_[i].columns);
    const std::size_t row_bytes = checked_mul(columns, size_of(layers_[i].type), "decoder cache");
    std::unique_ptr<Buffer> grown = backend_.allocate(
        checked_mul(static_cast<std::size_t>(capacity), row_bytes, "decoder cache"));
    if (!used.empty()) {
      const MatrixView to(grown->data(), layers_[i].type, capacity, layers_[i].columns,
                          layers_[i].columns);
      backend_.gather_rows(layer(i), used, to.slice_rows(0, pool_.capacity()));
      backend_.sync();  // the old storage must not be freed under a copy that is still running
    }
    storage_[i] = std::move(grown);
  }
  pool_.grow(static_cast<std::int32_t>(capacity));
}

MatrixView DecoderState::layer(std::size_t layer) const {
  const std::int64_t columns = layers_[layer].columns;
  void* data = storage_[layer] ? storage_[layer]->data() : nullptr;
  return MatrixView(data, layers_[layer].type, pool_.capacity(), columns, columns);
}

std::size_t DecoderState::bytes() const {
  std::size_t total = 0;
  for (const auto& buffer : storage_) total += buffer ? buffer->bytes() : 0;
  return total;
}

}  // namespace tandem
