// Memory that is given back serves again, within a bound.
#include "kernels/cpu/host_memory.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

namespace tandem::cpu {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(HostMemory, BlocksOfEverySizeAreAlignedAndLargeEnough) {
  const auto memory = std::make_shared<HostMemory>(kMiB);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, kMiB,
                                  2 * kMiB - 1, 2 * kMiB, 5 * kMiB + 3}) {
    const auto block = memory->allocate(bytes);
    EXPECT_GE(block->bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->data()) % 64, 0U);
    std::memset(block->data(), 1, block->bytes());
  }
}

TEST(HostMemory, WhatIsGivenBackServesTheNextOfASimilarSize) {
  const auto memory = std::make_shared<HostMemory>(8 * kMiB);
  auto block = memory->allocate(3 * kMiB);
  const void* data = block->data();
  block.reset();
  EXPECT_EQ(memory->allocate(3 * kMiB)->data(), data);
  EXPECT_EQ(memory->allocate(2 * kMiB)->data(), data);
  EXPECT_NE(memory->allocate(kMiB)->data(), data) << "more than twice as large as needed";
  EXPECT_NE(memory->allocate(5 * kMiB)->data(), data) << "too small";
}

TEST(HostMemory, TheBestFitIsTaken) {
  const auto memory = std::make_shared<HostMemory>(16 * kMiB);
  auto large = memory->allocate(5 * kMiB), small = memory->allocate(3 * kMiB);
  const void* data = small->data();
  small.reset();
  large.reset();
  EXPECT_EQ(memory->allocate(3 * kMiB)->data(), data);
}

TEST(HostMemory, TwoTakersNeverShareABlock) {
  const auto memory = std::make_shared<HostMemory>(8 * kMiB);
  memory->allocate(kMiB).reset();
  const auto first = memory->allocate(kMiB), second = memory->allocate(kMiB);
  EXPECT_NE(first->data(), second->data());
}

TEST(HostMemory, ABlockMayOutliveTheMemoryItCameFrom) {
  auto memory = std::make_shared<HostMemory>(kMiB);
  const auto block = memory->allocate(kMiB);
  memory.reset();
  std::memset(block->data(), 1, block->bytes());
}

TEST(HostMemory, MoreThanThereIsIsATypedError) {
  const auto memory = std::make_shared<HostMemory>(kMiB);
  for (const std::size_t bytes :
       {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 2}) {
    try {
      memory->allocate(bytes);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
    }
  }
}

}  // namespace
}  // namespace tandem::cpu
