#include "kernels/cpu/weight_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include <tandem/error.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tandem::cpu {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// A few huge pages: the matrices of two layers of a base-size model in int8.
constexpr std::size_t kChunkBytes = 4 * kHugePage;

// `bytes` is a multiple of kHugePage.
std::shared_ptr<std::byte> new_chunk(std::size_t bytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kHugePage, bytes));
  if (memory == nullptr)
    throw Error(ErrorCode::resource_exhausted,
                "cannot allocate " + std::to_string(bytes) + " bytes for weights");
#if defined(__linux__)
  ::madvise(memory, bytes, MADV_HUGEPAGE);  // only advice
#endif
  return {memory, [](std::byte* p) { std::free(p); }};
}

}  // namespace

std::shared_ptr<std::byte> WeightMemory::zeros(std::size_t bytes) {
  std::shared_ptr<std::byte> chunk = chunk_.lock();
  if (chunk == nullptr || chunk_bytes_ - used_ < bytes) {
    chunk_bytes_ = (std::max(bytes, kChunkBytes) + kHugePage - 1) / kHugePage * kHugePage;
    chunk = new_chunk(chunk_bytes_);
    chunk_ = chunk;
    used_ = 0;
  }
  std::byte* memory = chunk.get() + used_;
  used_ = std::min(chunk_bytes_, used_ + (bytes + 63) / 64 * 64);
  std::memset(memory, 0, bytes);
  return {chunk, memory};
}

}  // namespace tandem::cpu
