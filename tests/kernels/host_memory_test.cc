// Memory that is given back serves again, within a bound.
#include "kernels/cpu/host_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

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

// Calls of ever other sizes, which would each leave a block that fits no other.
TEST(HostMemory, NoMoreIsHeldThanTwoCallsHadInUse) {
  const auto memory = std::make_shared<HostMemory>(256 * kMiB);
  std::size_t before = 0, now = 0;
  for (std::size_t call = 0; call < 200; ++call) {
    const std::size_t bytes = (1 + call * 37 % 61) * (kMiB / 4);
    before = now;
    {
      const auto first = memory->allocate(bytes), second = memory->allocate(2 * bytes);
      now = first->bytes() + second->bytes();
      EXPECT_LE(memory->held(), std::max(before, now)) << "call " << call;
    }
    EXPECT_LE(memory->held(), std::max(before, now)) << "call " << call;
  }
}

TEST(HostMemory, NoMoreIsKeptThanItsBound) {
  const auto memory = std::make_shared<HostMemory>(4 * kMiB);
  {
    std::vector<std::unique_ptr<Buffer>> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(memory->allocate(kMiB));
    EXPECT_GE(memory->held(), 8 * kMiB);
  }
  EXPECT_EQ(memory->held(), 4 * kMiB);
}

TEST(HostMemory, WhatWaitsLongestGoesFirst) {
  const auto memory = std::make_shared<HostMemory>(64 * kMiB);
  auto old = memory->allocate(4 * kMiB), fresh = memory->allocate(16 * kMiB);
  const void* data = fresh->data();
  const auto running = memory->allocate(kMiB);
  old.reset();
  fresh.reset();
  const auto between = memory->allocate(kMiB + kMiB / 2);  // much too small for both
  EXPECT_EQ(memory->allocate(16 * kMiB)->data(), data);
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
