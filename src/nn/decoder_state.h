// What a decoder remembers of the positions that it has seen: for every layer one matrix whose rows
// are the slots of kv_cache.h. A layer keeps one of two kinds of state in its rows:
//
//   key_value   the key and the value of the slot's position, [H * head_dim | H * head_dim];
//               attention reads those of all positions of a row
//   recurrent   the state of an SSRU after the slot's position, [D]; only that of a row's last
//               position is read, and the earlier ones are what a roll-back goes back to
//
// Both are addressed through the same slot tables, so re-indexing and rolling back are the same for
// both and every strategy runs on every decoder. Grows by doubling; belongs to one Backend.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "nn/kv_cache.h"

namespace tandem {

enum class StateKind : std::uint8_t { key_value, recurrent };

struct LayerState {
  StateKind kind = StateKind::key_value;
  std::int64_t columns = 0;     // elements of one slot
  DType type = DType::float32;  // of an element; keys and values: Backend::cache_type
};

class DecoderState {
 public:
  // Takes no memory yet. `backend` must outlive the state.
  DecoderState(Backend& backend, std::vector<LayerState> layers)
      : backend_(backend), layers_(std::move(layers)), storage_(layers_.size()) {}

  SlotPool& pool() { return pool_; }
  // Makes at least `count` slots available. Views of layers become invalid.
  // Throws Error{resource_exhausted}.
  void reserve(std::int64_t count);

  std::size_t num_layers() const { return layers_.size(); }
  // [capacity, columns] of layer `layer`.
  MatrixView layer(std::size_t layer) const;
  std::size_t bytes() const;

 private:
  Backend& backend_;
  std::vector<LayerState> layers_;
  std::vector<std::unique_ptr<Buffer>> storage_;
  SlotPool pool_;
};

}  // namespace tandem
