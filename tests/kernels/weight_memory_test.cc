// Memory for weights: zeros of one's own, aligned, alive as long as they are held.
#include "kernels/cpu/weight_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::cpu {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(WeightMemory, PiecesAreAlignedZerosThatNoOtherWriteReaches) {
  WeightMemory memory;
  const std::size_t sizes[] = {1, 64, 65, kMiB, 7 * kMiB, kMiB / 3, 20 * kMiB, 100};
  std::vector<std::shared_ptr<std::byte>> pieces;
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t bytes : sizes) {
      pieces.push_back(memory.zeros(bytes));
      std::byte* piece = pieces.back().get();
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 64, 0U);
      EXPECT_TRUE(std::all_of(piece, piece + bytes, [](std::byte b) { return b == std::byte{0}; }));
      std::memset(piece, static_cast<int>(pieces.size()), bytes);
    }
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::byte* piece = pieces[i].get();
    EXPECT_TRUE(std::all_of(piece, piece + sizes[i % std::size(sizes)],
                            [&](std::byte b) { return b == static_cast<std::byte>(i + 1); }));
  }
}

TEST(WeightMemory, SmallPiecesLieOneAfterAnother) {
  WeightMemory memory;
  const auto first = memory.zeros(100), second = memory.zeros(100);
  EXPECT_EQ(second.get() - first.get(), 128);
}

TEST(WeightMemory, APieceOutlivesTheMemoryAndItsNeighbours) {
  auto memory = std::make_unique<WeightMemory>();
  auto first = memory->zeros(kMiB);
  const auto second = memory->zeros(kMiB);
  first.reset();
  memory.reset();
  std::memset(second.get(), 1, kMiB);
}

TEST(WeightMemory, WhatIsFreedIsNotHandedOutAgainByMistake) {
  WeightMemory memory;
  memory.zeros(kMiB).reset();  // the chunk is gone with its only piece
  const auto piece = memory.zeros(kMiB);
  std::memset(piece.get(), 1, kMiB);
}

}  // namespace
}  // namespace tandem::cpu
