#include "nn/kv_cache.h"

#include <utility>

#include "base/check.h"

namespace tandem {

void SlotPool::grow(std::int32_t capacity) {
  const std::int32_t old = this->capacity();
  TANDEM_CHECK(capacity >= old);
  free_.reserve(static_cast<std::size_t>(capacity));
  references_.resize(static_cast<std::size_t>(capacity), 0);
  for (std::int32_t slot = capacity - 1; slot >= old; --slot) free_.push_back(slot);
}

std::int32_t SlotPool::acquire() {
  TANDEM_CHECK(!free_.empty());
  const std::int32_t slot = free_.back();
  free_.pop_back();
  references_[static_cast<std::size_t>(slot)] = 1;
  return slot;
}

void SlotPool::retain(std::int32_t slot) {
  TANDEM_DCHECK(references_[static_cast<std::size_t>(slot)] > 0);
  ++references_[static_cast<std::size_t>(slot)];
}

void SlotPool::release(std::int32_t slot) {
  TANDEM_DCHECK(references_[static_cast<std::size_t>(slot)] > 0);
  if (--references_[static_cast<std::size_t>(slot)] == 0) free_.push_back(slot);
}

void RowTables::advance(SlotPool& pool, std::span<const RowChange> changes) {
  std::int64_t appended = 0;
  for (const RowChange& change : changes) {
    TANDEM_CHECK(change.parent >= -1 && change.parent < static_cast<int>(rows_.size()));
    const std::size_t cached =
        change.parent < 0 ? 0 : rows_[static_cast<std::size_t>(change.parent)].size();
    TANDEM_CHECK(change.keep >= 0 && static_cast<std::size_t>(change.keep) <= cached);
    TANDEM_CHECK(change.append >= 0);
    appended += change.append;
  }
  TANDEM_CHECK(appended <= pool.available());

  children_.assign(rows_.size(), 0);
  for (const RowChange& change : changes)
    if (change.parent >= 0) ++children_[static_cast<std::size_t>(change.parent)];
  next_.clear();
  for (const RowChange& change : changes) next_.push_back(derive(pool, change));
  clear(pool);
  std::swap(rows_, next_);
}

// The last child of a parent takes its table over; the others copy it.
std::vector<std::int32_t> RowTables::derive(SlotPool& pool, const RowChange& change) {
  const auto keep = static_cast<std::size_t>(change.keep);
  std::vector<std::int32_t> table;
  if (change.parent >= 0 && --children_[static_cast<std::size_t>(change.parent)] == 0) {
    table = std::move(rows_[static_cast<std::size_t>(change.parent)]);
    rows_[static_cast<std::size_t>(change.parent)].clear();
    for (std::size_t i = keep; i < table.size(); ++i) pool.release(table[i]);
    table.resize(keep);
  } else {
    if (!spare_.empty()) {
      table = std::move(spare_.back());
      spare_.pop_back();
    }
    if (change.parent >= 0) {
      const auto& parent = rows_[static_cast<std::size_t>(change.parent)];
      table.assign(parent.begin(), parent.begin() + change.keep);
      for (const std::int32_t slot : table) pool.retain(slot);
    }
  }
  for (int i = 0; i < change.append; ++i) table.push_back(pool.acquire());
  return table;
}

void RowTables::clear(SlotPool& pool) {
  for (auto& row : rows_) {
    for (const std::int32_t slot : row) pool.release(slot);
    row.clear();
    if (row.capacity() > 0) spare_.push_back(std::move(row));
  }
  rows_.clear();
}

}  // namespace tandem
