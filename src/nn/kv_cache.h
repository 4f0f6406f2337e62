// Which memory holds which cached decoder position. The decoder's state is a pool of slots; one
// slot holds one position of one row, for every layer, and a row is a table of slots, oldest first.
//
//   re-index   a child row shares its parent's slots (reference counts); nothing is copied, however
//              beams fork and reorder
//   roll back  the slots behind `keep` are let go
//   append     takes free slots, which may lie anywhere: attention reads keys through the table
//
// So every strategy costs integer operations on the host and memory is linear in the positions that
// are alive. The same tables serve recurrent layers (ssru.h), where a slot holds the state after
// its position. Storage itself is decoder_state.h.
//
// Cost: O(kept + appended positions) of a row whose parent has several children, and O(appended +
// dropped) of an only child.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

// Reference counts of slots 0 .. capacity - 1.
class SlotPool {
 public:
  std::int32_t capacity() const { return static_cast<std::int32_t>(references_.size()); }
  std::int32_t available() const { return static_cast<std::int32_t>(free_.size()); }
  std::int32_t live() const { return capacity() - available(); }

  // More slots, all free; never fewer.
  void grow(std::int32_t capacity);
  // A free slot, now with one reference. The caller has seen to it that there is one.
  std::int32_t acquire();
  void retain(std::int32_t slot);
  // Gives one reference back; the last one frees the slot.
  void release(std::int32_t slot);

 private:
  std::vector<std::int32_t> references_;
  std::vector<std::int32_t>
      free_;  // a stack: what was freed last is still in the processor's cache
};

// How a row of the next step comes from the rows of the last one; decoding/search.h, Row.
struct RowChange {
  int parent = -1;  // -1: an empty row
  int keep = 0;     // positions of the parent that stay
  int append = 0;   // new positions
};

// The rows of one sentence.
class RowTables {
 public:
  // Replaces the rows by one for each change; rows that are no parent are let go. The pool must
  // have as many slots available as are appended. Throws Error{internal} and changes nothing when a
  // parent is out of range or keeps more than it has.
  void advance(SlotPool& pool, std::span<const RowChange> changes);
  // Lets all rows go.
  void clear(SlotPool& pool);

  std::size_t size() const { return rows_.size(); }
  // The slots of row `row`, one for each of its positions.
  std::span<const std::int32_t> slots(std::size_t row) const { return rows_[row]; }

 private:
  std::vector<std::int32_t> derive(SlotPool& pool, const RowChange& change);

  std::vector<std::vector<std::int32_t>> rows_;
  std::vector<std::vector<std::int32_t>> next_;
  std::vector<std::vector<std::int32_t>> spare_;  // emptied tables that keep their memory
  std::vector<int> children_;                     // of each row, those not yet derived
};

// One row of a decoder step as the layers see it: consecutive queries that continue one sequence.
struct StepRow {
  std::int64_t first_query = 0;
  std::int32_t num_queries = 0;
  std::int32_t num_cached = 0;          // positions before those of this step
  const std::int32_t* slots = nullptr;  // num_cached + num_queries of them
};

// All rows of a decoder step. N = the sum of num_queries.
struct StepBatch {
  std::span<const StepRow> rows;
  std::span<const std::int32_t> new_slots;       // [N] where each query's own state goes
  std::span<const std::int32_t> previous_slots;  // [N] the position before it; -1: there is none
};

}  // namespace tandem
