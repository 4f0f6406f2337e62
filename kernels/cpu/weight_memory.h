// Memory for packed weights: what is asked for one after another lies one after another on huge
// pages.
//
// A decoder step reads every weight of a model. On pages of 4 KiB that is a walk through the page
// tables for each, thousands a step, more than a TLB holds; and most matrices are smaller than a
// huge page, so that they would get none alone.
//
// Cost: address space for the rest of a chunk that the next matrix does not fit in; it is not
// touched. A chunk is freed with the last matrix in it. Belongs to one thread.
#pragma once

#include <cstddef>
#include <memory>

namespace tandem::cpu {

class WeightMemory {
 public:
  // Zeros, aligned to 64; may outlive this. Throws Error{resource_exhausted}.
  std::shared_ptr<std::byte> zeros(std::size_t bytes);

 private:
  std::weak_ptr<std::byte> chunk_;  // alive as long as something in it is
  std::size_t chunk_bytes_ = 0, used_ = 0;
};

}  // namespace tandem::cpu
