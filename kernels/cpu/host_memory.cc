#include "kernels/cpu/host_memory.h"

#include <cstdlib>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tandem::cpu {
namespace {

// Blocks of this size and more lie on pages of this size where the system has them, so that the
// keys of a step, which lie anywhere in a cache, need few entries of the TLB.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Smaller ones come from malloc's own lists at no cost.
constexpr std::size_t kSmallest = std::size_t{128} << 10;

}  // namespace

class HostMemory::Block final : public Buffer {
 public:
  Block(std::shared_ptr<HostMemory> owner, Free block) : owner_(std::move(owner)), block_(block) {}
  ~Block() override { owner_->give_back(block_); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* data() override { return block_.data; }
  std::size_t bytes() const override { return block_.bytes; }

 private:
  std::shared_ptr<HostMemory> owner_;
  Free block_;
};

HostMemory::~HostMemory() {
  for (const Free& block : free_) std::free(block.data);
}

std::unique_ptr<Buffer> HostMemory::allocate(std::size_t bytes) {
  Free block = take(bytes);
  if (block.data == nullptr) {
    const std::size_t alignment = bytes < kHugePage ? 64 : kHugePage;
    block.bytes = (bytes / alignment + (bytes % alignment != 0 || bytes == 0 ? 1 : 0)) * alignment;
    block.data = block.bytes < bytes ? nullptr : std::aligned_alloc(alignment, block.bytes);
    if (block.data == nullptr)
      throw Error(ErrorCode::resource_exhausted,
                  "cannot allocate " + std::to_string(bytes) + " bytes of memory");
#if defined(__linux__)
    if (alignment == kHugePage) ::madvise(block.data, block.bytes, MADV_HUGEPAGE);  // only advice
#endif
  }
  try {
    return std::make_unique<Block>(shared_from_this(), block);
  } catch (...) {
    std::free(block.data);
    throw;
  }
}

HostMemory::Free HostMemory::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  std::size_t best = free_.size();
  for (std::size_t i = free_.size(); i-- > 0;)
    if (free_[i].bytes >= bytes && free_[i].bytes / 2 <= bytes &&
        (best == free_.size() || free_[i].bytes < free_[best].bytes))
      best = i;
  if (best == free_.size()) return {nullptr, 0};
  const Free block = free_[best];
  free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(best));
  kept_ -= block.bytes;
  return block;
}

void HostMemory::give_back(Free block) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (block.bytes >= kSmallest && kept_ + block.bytes <= kept_limit_) {
      free_.push_back(block);
      kept_ += block.bytes;
      return;
    }
  } catch (...) {  // no room for the entry
  }
  std::free(block.data);
}

}  // namespace tandem::cpu
