// Attention against the reference, and its law: a query's result depends on its own keys alone.
#include <cmath>
#include <numeric>

#include "kernels/backends.h"

namespace tandem {
namespace {

// Some that the cpu backend takes together with every instruction set, and one that is left over.
constexpr std::int32_t kHeads = 9;

AttentionShape shape_of(std::int32_t head_dim) {
  return {.num_heads = kHeads,
          .head_dim = head_dim,
          .scale = 1.0F / std::sqrt(static_cast<float>(head_dim))};
}

AttentionGroup group_of(const Matrix& keys, const Matrix& values, std::int64_t first,
                        std::int32_t queries, std::int32_t num_keys, const std::int32_t* slots,
                        bool causal) {
  return {.first_query = first,
          .num_queries = queries,
          .keys = keys.view(),
          .values = values.view(),
          .slots = slots,
          .num_keys = num_keys,
          .causal = causal};
}

using Attention = BackendTest;

TEST_P(Attention, RaggedGroupsEqualTheReference) {
  for (const std::int32_t head_dim : {1, 5, 8, 16, 17, 32, 64, 80, 128}) {
    const std::int64_t width = std::int64_t{kHeads} * head_dim;
    const Matrix queries = Matrix::random(13, width, 1, 3.0F);
    const Matrix keys = Matrix::random(40, width, 2), values = Matrix::random(40, width, 3);
    std::vector<std::int32_t> slots(40);
    std::iota(slots.rbegin(), slots.rend(), 0);  // backwards
    const std::vector<AttentionGroup> groups = {
        group_of(keys, values, 4, 1, 1, slots.data(), false),
        group_of(keys, values, 0, 4, 33, nullptr, false),
        group_of(keys, values, 5, 5, 16, slots.data(), true),
        group_of(keys, values, 10, 2, 40, slots.data(), false),
        group_of(keys, values, 12, 1, 37, slots.data(), false)};
    Matrix out(13, width), expected(13, width);
    backend->attention(queries.view(), groups, shape_of(head_dim), out.view(), nullptr);
    reference->attention(queries.view(), groups, shape_of(head_dim), expected.view(), nullptr);
    expect_near(out, expected, 3e-6F, "head_dim " + std::to_string(head_dim));
  }
}

// The groups of a decoder step and of an encoder, with keys on both sides of the query and beyond
// the reach of the table.
TEST_P(Attention, ABiasByDistanceEqualsTheReference) {
  for (const std::int64_t reach : {0, 1, 5, 40}) {
    for (const std::int32_t head_dim : {5, 16, 64}) {
      const std::int64_t width = std::int64_t{kHeads} * head_dim;
      const Matrix queries = Matrix::random(12, width, 1), keys = Matrix::random(40, width, 2),
                   values = Matrix::random(40, width, 3);
      const Matrix bias = Matrix::random(kHeads, 2 * reach + 1, 4, 3.0F);
      std::vector<std::int32_t> slots(40);
      std::iota(slots.rbegin(), slots.rend(), 0);
      std::vector<AttentionGroup> groups = {group_of(keys, values, 0, 7, 33, nullptr, false),
                                            group_of(keys, values, 7, 5, 16, slots.data(), true)};
      groups[0].first_position = 13;
      groups[1].first_position = 15;
      AttentionShape shape = shape_of(head_dim);
      shape.distance_bias = bias.view();
      Matrix out(12, width), expected(12, width);
      backend->attention(queries.view(), groups, shape, out.view(), nullptr);
      reference->attention(queries.view(), groups, shape, expected.view(), nullptr);
      expect_near(out, expected, 3e-6F,
                  "reach " + std::to_string(reach) + ", head_dim " + std::to_string(head_dim));
    }
  }
}

// A bias that leaves one distance makes attention a copy of the value that stands there.
TEST_P(Attention, ABiasThatLeavesOneDistancePicksTheValueThere) {
  constexpr std::int32_t kDim = 8, kKeys = 30, kReach = 4;
  const Matrix queries = Matrix::random(10, kHeads * kDim, 1),
               keys = Matrix::random(kKeys, kHeads * kDim, 2),
               values = Matrix::random(kKeys, kHeads * kDim, 3);
  std::vector<AttentionGroup> groups = {group_of(keys, values, 0, 10, kKeys, nullptr, false)};
  groups[0].first_position = 12;
  Matrix bias(kHeads, 2 * kReach + 1);
  for (std::int64_t head = 0; head < kHeads; ++head)
    for (std::int64_t d = -kReach; d <= kReach; ++d)
      bias.at(head, kReach + d) = d == head % 3 - 1 ? 0.0F : -1e4F;
  AttentionShape shape = shape_of(kDim);
  shape.distance_bias = bias.view();
  Matrix out(10, kHeads * kDim);
  backend->attention(queries.view(), groups, shape, out.view(), nullptr);
  for (std::int64_t query = 0; query < 10; ++query)
    for (std::int64_t column = 0; column < kHeads * kDim; ++column)
      EXPECT_EQ(out.at(query, column), values.at(12 + query + column / kDim % 3 - 1, column));
}

TEST_P(Attention, WeightsOfHeadZeroEqualTheReferenceAndSumToOne) {
  constexpr std::int32_t kDim = 16, kKeys = 21;
  const Matrix queries = Matrix::random(3, kHeads * kDim, 1),
               keys = Matrix::random(kKeys + 2, kHeads * kDim, 2, 4.0F);
  const std::vector<AttentionGroup> groups = {group_of(keys, keys, 0, 3, kKeys, nullptr, true)};
  std::vector<float> got(3 * 32, -1.0F), expected(3 * 32, -1.0F);
  float* got_rows[] = {got.data(), nullptr, got.data() + 64};
  float* expected_rows[] = {expected.data(), nullptr, expected.data() + 64};
  Matrix out(3, kHeads * kDim);
  backend->attention(queries.view(), groups, shape_of(kDim), out.view(), got_rows);
  reference->attention(queries.view(), groups, shape_of(kDim), out.view(), expected_rows);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6F) << i;
  EXPECT_NEAR(std::accumulate(got.begin(), got.begin() + kKeys, 0.0F), 1.0F, 1e-6F);
  EXPECT_NEAR(std::accumulate(got.begin() + 64, got.begin() + 64 + kKeys + 2, 0.0F), 1.0F, 1e-6F);
}

TEST_P(Attention, TheOutputHasTheSameBitsWhetherWeightsAreAskedForOrNot) {
  constexpr std::int32_t kDim = 64, kKeys = 21;
  const Matrix queries = Matrix::random(1, kHeads * kDim, 1),
               keys = Matrix::random(kKeys, kHeads * kDim, 2, 4.0F);
  const std::vector<AttentionGroup> groups = {group_of(keys, keys, 0, 1, kKeys, nullptr, true)};
  std::vector<float> weights(kKeys);
  float* rows[] = {weights.data()};
  Matrix with(1, kHeads * kDim), without(1, kHeads * kDim);
  backend->attention(queries.view(), groups, shape_of(kDim), with.view(), rows);
  backend->attention(queries.view(), groups, shape_of(kDim), without.view(), nullptr);
  expect_bits_equal(with, without, "one query");
}

TEST_P(Attention, HugeScoresDoNotOverflow) {
  constexpr std::int32_t kDim = 8;
  Matrix queries = Matrix::random(1, kHeads * kDim, 1, 1e4F),
         keys = Matrix::random(9, kHeads * kDim, 2, 1e4F);
  const std::vector<AttentionGroup> groups = {group_of(keys, keys, 0, 1, 9, nullptr, false)};
  Matrix out(1, kHeads * kDim);
  backend->attention(queries.view(), groups, shape_of(kDim), out.view(), nullptr);
  for (std::int64_t d = 0; d < kHeads * kDim; ++d) EXPECT_TRUE(std::isfinite(out.at(0, d)));
}

// A group of several queries is the same as one group for each query, bit for bit. Groups of all
// sizes around a block of queries, heads with and without a rest of a vector; with 23 queries two
// threads share the work.
TEST_P(Attention, AQueryHasTheSameBitsAloneAndInAnyGroup) {
  constexpr std::int32_t kMost = 23, kKeys = 150;
  const auto single = open_single(GetParam());
  const Matrix bias = Matrix::random(kHeads, 2 * 20 + 1, 4);
  for (const std::int32_t head_dim : {5, 16, 32, 40, 64, 80, 128}) {
    const std::int64_t width = std::int64_t{kHeads} * head_dim;
    const Matrix queries = Matrix::random(kMost, width, 1);
    const Matrix keys = Matrix::random(kKeys + kMost, width, 2),
                 values = Matrix::random(kKeys + kMost, width, 3);
    AttentionShape biased = shape_of(head_dim);
    biased.distance_bias = bias.view();
    for (const AttentionShape& shape : {shape_of(head_dim), biased})
      for (const std::int32_t count : {2, 3, 4, 5, 6, 7, 9, 10, kMost})
        for (const bool causal : {true, false}) {
          Matrix together(count, width);
          std::vector<AttentionGroup> groups = {
              group_of(keys, values, 0, count, kKeys, nullptr, causal)};
          groups[0].first_position = kKeys - 1;
          backend->attention(queries.rows_from(0, count).view(), groups, shape, together.view(),
                             nullptr);
          for (std::int32_t query = 0; query < count; ++query) {
            Matrix alone(1, width);
            std::vector<AttentionGroup> own = {
                group_of(keys, values, 0, 1, kKeys + (causal ? query : 0), nullptr, true)};
            own[0].first_position = kKeys - 1 + query;
            single->attention(queries.rows_from(query, 1).view(), own, shape, alone.view(),
                              nullptr);
            expect_bits_equal(alone, together.rows_from(query, 1),
                              "query " + std::to_string(query) + " of " + std::to_string(count) +
                                  ", head_dim " + std::to_string(head_dim));
          }
        }
  }
}

// What is stored in float16 counts as the float32 that it stands for: one query, a few, a block
// that shares transposed keys, with and without a bias.
TEST_P(Attention, KeysAndValuesInFloat16GiveTheBitsOfTheSameInFloat32) {
  if (backend->cache_type(ComputeType::int8) != DType::float16) return;
  const Matrix bias = Matrix::random(kHeads, 2 * 5 + 1, 4);
  std::vector<std::int32_t> slots(40);
  std::iota(slots.rbegin(), slots.rend(), 0);
  for (const std::int32_t head_dim : {5, 8, 16, 32, 40, 64, 80, 128}) {
    const std::int64_t width = std::int64_t{kHeads} * head_dim;
    const Matrix queries = Matrix::random(13, width, 1);
    const NarrowMatrix keys(Matrix::random(40, width, 2)), values(Matrix::random(40, width, 3));
    const Matrix wide_keys = keys.widened(), wide_values = values.widened();
    std::vector<AttentionGroup> groups = {
        group_of(wide_keys, wide_values, 0, 1, 37, slots.data(), true),
        group_of(wide_keys, wide_values, 1, 2, 17, nullptr, false),
        group_of(wide_keys, wide_values, 3, 10, 30, slots.data(), true)};
    AttentionShape biased = shape_of(head_dim);
    biased.distance_bias = bias.view();
    for (const AttentionShape& shape : {shape_of(head_dim), biased}) {
      Matrix expected(13, width), got(13, width), exact(13, width);
      backend->attention(queries.view(), groups, shape, expected.view(), nullptr);
      std::vector<AttentionGroup> narrow = groups;
      for (AttentionGroup& group : narrow) {
        group.keys = keys.view();
        group.values = values.view();
      }
      backend->attention(queries.view(), narrow, shape, got.view(), nullptr);
      expect_bits_equal(got, expected, "head_dim " + std::to_string(head_dim));
      reference->attention(queries.view(), narrow, shape, exact.view(), nullptr);
      expect_near(got, exact, 3e-6F, "the reference, head_dim " + std::to_string(head_dim));
    }
  }
}

TANDEM_FOR_ALL_BACKENDS(Attention);

}  // namespace
}  // namespace tandem
