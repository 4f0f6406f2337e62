#include "kernels/cpu/host_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tandem::cpu {
namespace {

// Blocks of this size and more lie on pages of this size where the system has them, so that the
// keys of a step, which lie anywhere in a cache, need few entries of the TLB.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Smaller ones come from malloc's own lists at no cost. Larger ones come from the system and go
// back to it: malloc would keep them, in pieces, and from one size of call to the next ever more.
constexpr std::size_t kSmallest = std::size_t{128} << 10;
constexpr std::size_t kPage = std::size_t{64} << 10;  // a multiple of every system's

// 0 if there is no such number.
std::size_t round_up(std::size_t bytes, std::size_t unit) {
  const std::size_t rounded = (bytes + unit - 1) / unit * unit;
  return rounded < bytes ? 0 : rounded;
}

#if defined(__linux__)

// Null if there is no memory. `bytes` is a multiple of kPage.
void* map_pages(std::size_t bytes) {
  const std::size_t slack = bytes < kHugePage ? 0 : kHugePage;  // to choose an aligned place in
  if (bytes + slack < bytes) return nullptr;
  void* mapped =
      ::mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (slack == 0) return mapped;
  auto* begin = static_cast<std::byte*>(mapped);
  const std::size_t before = kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
  ::munmap(begin, before);
  if (before < slack) ::munmap(begin + before + bytes, slack - before);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);  // only advice
  return begin + before;
}

void unmap_pages(void* data, std::size_t bytes) {
  ::munmap(data, bytes);
}

#else

void* map_pages(std::size_t bytes) {
  return std::aligned_alloc(kPage, bytes);
}
void unmap_pages(void* data, std::size_t) {
  std::free(data);
}

#endif

void* take_from_system(std::size_t bytes) {
  return bytes < kSmallest ? std::aligned_alloc(64, bytes) : map_pages(bytes);
}

void return_to_system(void* data, std::size_t bytes) {
  if (bytes < kSmallest)
    std::free(data);
  else
    unmap_pages(data, bytes);
}

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
  for (const Free& block : free_) return_to_system(block.data, block.bytes);
}

std::unique_ptr<Buffer> HostMemory::allocate(std::size_t bytes) {
  Free block = take(bytes);
  if (block.data == nullptr) block = make(bytes);
  try {
    return std::make_unique<Block>(shared_from_this(), block);
  } catch (...) {
    give_back(block);
    throw;
  }
}

std::size_t HostMemory::held() const {
  const std::lock_guard lock(mutex_);
  return used_ + kept_;
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
  count_in_use(block.bytes);
  return block;
}

HostMemory::Free HostMemory::make(std::size_t bytes) {
  Free block{nullptr, round_up(std::max<std::size_t>(bytes, 1), bytes < kSmallest ? 64 : kPage)};
  if (block.bytes >= kSmallest) {
    const std::lock_guard lock(mutex_);
    make_room(block.bytes);
  }
  if (block.bytes != 0) block.data = take_from_system(block.bytes);
  if (block.data == nullptr)
    throw Error(ErrorCode::resource_exhausted,
                "cannot allocate " + std::to_string(bytes) + " bytes of memory");
  if (block.bytes >= kSmallest) {
    const std::lock_guard lock(mutex_);
    count_in_use(block.bytes);
  }
  return block;
}

void HostMemory::count_in_use(std::size_t bytes) {
  used_ += bytes;
  most_used_ = std::max(most_used_, used_);
}

void HostMemory::make_room(std::size_t bytes) {
  const std::size_t allowed = std::max({most_used_, most_used_before_, used_ + bytes});
  auto oldest = free_.begin();
  for (; oldest != free_.end() && kept_ + used_ + bytes > allowed; ++oldest) {
    kept_ -= oldest->bytes;
    return_to_system(oldest->data, oldest->bytes);
  }
  free_.erase(free_.begin(), oldest);
}

void HostMemory::give_back(Free block) noexcept {
  if (block.bytes < kSmallest) return return_to_system(block.data, block.bytes);
  const std::lock_guard lock(mutex_);
  used_ -= block.bytes;
  bool keep = kept_ + block.bytes <= kept_limit_;
  try {
    if (keep) free_.push_back(block);
  } catch (...) {  // no room for the entry
    keep = false;
  }
  if (keep)
    kept_ += block.bytes;
  else
    return_to_system(block.data, block.bytes);
  if (used_ != 0) return;
  make_room(0);  // the end of a call
  most_used_before_ = std::exchange(most_used_, 0);
}

}  // namespace tandem::cpu
