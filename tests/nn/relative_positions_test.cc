// T5's buckets of distances: the values of transformers, and what every choice of buckets keeps.
#include "nn/relative_positions.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/random_tensors.h"

namespace tandem {
namespace {

using Expected = std::vector<std::pair<std::int64_t, int>>;

constexpr RelativeBuckets kEncoder{Direction::both, 32, 128};
constexpr RelativeBuckets kDecoder{Direction::backward, 32, 128};

// By the formula with 32 buckets and 128: encoders have 8 exact ones on each side and edges at
// 8 * 16^(i/8), decoders 16 exact ones and edges at 16 * 8^(i/16).
TEST(RelativeBucket, DistancesFallWhereTransformersPutsThem) {
  const Expected encoder{{0, 0},     {-1, 1},     {-7, 7},   {-8, 8},   {-11, 8},  {-12, 9},
                         {-15, 9},   {-16, 10},   {-22, 10}, {-23, 11}, {-31, 11}, {-32, 12},
                         {-45, 12},  {-46, 13},   {-63, 13}, {-64, 14}, {-90, 14}, {-91, 15},
                         {-128, 15}, {-5000, 15}, {1, 17},   {7, 23},   {8, 24},   {64, 30},
                         {91, 31},   {100000, 31}};
  for (const auto& [distance, bucket] : encoder)
    EXPECT_EQ(relative_bucket(distance, kEncoder), bucket) << distance;
  const Expected decoder{{3, 0},     {0, 0},     {-1, 1},    {-15, 15},    {-16, 16},
                         {-18, 16},  {-19, 17},  {-31, 21},  {-32, 21},    {-64, 26},
                         {-113, 31}, {-112, 30}, {-128, 31}, {-100000, 31}};
  for (const auto& [distance, bucket] : decoder)
    EXPECT_EQ(relative_bucket(distance, kDecoder), bucket) << distance;
}

TEST(RelativeBucket, BucketsAreInRangeGrowWithDistanceAndEndAtTheLongest) {
  for (const Direction direction : {Direction::both, Direction::backward})
    for (const int count : {4, 5, 6, 32, 33, 128})
      for (const int longest : {count / 2 + 1, 128, 4000}) {
        const RelativeBuckets buckets{direction, count, longest};
        if (longest <= count / 2) continue;
        for (std::int64_t distance = 0; distance <= 2 * longest; ++distance) {
          const int here = relative_bucket(-distance, buckets);
          EXPECT_GE(here, 0);
          EXPECT_LT(here, count);
          EXPECT_GE(relative_bucket(-distance - 1, buckets), here);
          if (distance >= longest) {
            EXPECT_EQ(here, relative_bucket(-longest, buckets)) << distance;
            EXPECT_EQ(relative_bucket(distance, buckets), relative_bucket(longest, buckets));
          }
        }
      }
}

TEST(BiasByDistance, EveryHeadHasTheEntryOfTheBucketOfEachDistance) {
  RandomTensors random(3);
  for (const RelativeBuckets& buckets : {kEncoder, kDecoder}) {
    const Tensor table = random.normal({32, 5}, 1.0F), bias = bias_by_distance(table, buckets);
    ASSERT_EQ(bias.shape(), (Shape{5, 257}));
    for (std::size_t head = 0; head < 5; ++head)
      for (std::int64_t distance = -128; distance <= 128; ++distance)
        EXPECT_EQ(
            bias.data<float>()[head * 257 + static_cast<std::size_t>(128 + distance)],
            table.data<float>()[static_cast<std::size_t>(relative_bucket(distance, buckets)) * 5 +
                                head]);
  }
}

}  // namespace
}  // namespace tandem
