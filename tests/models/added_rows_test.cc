// What is added to embedded tokens, against models whose embedding tables hold the sum.
#include "models/added_rows.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/load_model.h"
#include "support/backends.h"
#include "support/expect_error.h"

namespace tandem {
namespace {

const std::vector<TokenId> kSource{7, 60, 32, 11, 2};
constexpr std::size_t kPlace = 1;  // of a token that stands there alone

ModelFiles files_of(const std::string& family) {
  return read_model(std::string(TANDEM_GOLDEN_DIR) + "/hf/" + family, Limits{},
                    ComputeType::float32);
}

std::vector<float> some_values(std::int64_t width, float first) {
  std::vector<float> values(static_cast<std::size_t>(width));
  for (std::size_t d = 0; d < values.size(); ++d)
    values[d] = first + 0.125F * static_cast<float>(d % 7) - 0.25F;
  return values;
}

// What the encoder gives, and the decoder reads of it.
std::vector<float> encoded_by(const EncoderDecoder& network, Backend& backend,
                              const std::vector<EncoderInput>& sources, std::size_t which) {
  ModelWorkspace workspace;
  const auto encoded = network.encode(backend, sources, workspace);
  std::vector<float> all;
  for (const ConstMatrixView& layer : encoded[which]->keys_values)
    for (std::int64_t r = 0; r < layer.rows(); ++r)
      all.insert(all.end(), layer.row<float>(r), layer.row<float>(r) + layer.cols());
  return all;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-5);
}

// Scaled, with norms of the embeddings, with and without positions.
class AddedRowsTest : public testing::TestWithParam<const char*> {};

TEST_P(AddedRowsTest, AreTheSumInTheTableOfTheSourceSide) {
  for (const BackendChoice& choice : all_backends()) {
    SCOPED_TRACE(choice.name);
    const auto backend = choice.make();
    ModelFiles files = files_of(GetParam());
    const ModelSpec& spec = files.model.spec;
    const EncoderDecoder plain(spec, files.model.weights, ComputeType::float32, *backend);
    const std::vector<float> values = some_values(spec.model_dim, 0.5F);

    const Tensor& table = files.model.weights.source_embedding;
    Tensor changed = Tensor::zeros(table.shape(), DType::float32);
    std::ranges::copy(table.data<float>(), changed.mutable_data<float>().begin());
    const auto row = changed.mutable_data<float>().subspan(
        static_cast<std::size_t>(kSource[kPlace]) * values.size(), values.size());
    for (std::size_t d = 0; d < values.size(); ++d) row[d] += values[d] / spec.embedding_scale;
    files.model.weights.source_embedding = changed;
    const EncoderDecoder twin(spec, files.model.weights, ComputeType::float32, *backend);

    const std::vector<AddedEmbedding> added{{kPlace, values}};
    const std::vector<float> found = encoded_by(plain, *backend, {{kSource, nullptr, added}}, 0);
    expect_near(found, encoded_by(twin, *backend, {{kSource}}, 0));
    EXPECT_NE(found, encoded_by(plain, *backend, {{kSource}}, 0));
  }
}

TEST_P(AddedRowsTest, AddUpAndTouchNoNeighbour) {
  const auto backend = make_cpu_backend(1);
  const ModelFiles files = files_of(GetParam());
  const ModelSpec& spec = files.model.spec;
  const EncoderDecoder network(spec, files.model.weights, ComputeType::float32, *backend);
  const std::vector<float> one = some_values(spec.model_dim, 0.5F);
  const std::vector<float> other = some_values(spec.model_dim, -1.0F);
  std::vector<float> sum = one;
  for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += other[d];
  const std::vector<AddedEmbedding> twice{{3, one}, {0, one}, {3, other}};
  const std::vector<AddedEmbedding> once{{0, one}, {3, sum}};
  const std::vector<EncoderInput> batch{{kSource}, {kSource, nullptr, twice}, {kSource}};
  const std::vector<float> alone = encoded_by(network, *backend, {{kSource}}, 0);
  EXPECT_EQ(encoded_by(network, *backend, batch, 0), alone);
  EXPECT_EQ(encoded_by(network, *backend, batch, 2), alone);
  EXPECT_EQ(encoded_by(network, *backend, batch, 1),
            encoded_by(network, *backend, {{kSource, nullptr, once}}, 0));
}

INSTANTIATE_TEST_SUITE_P(Families, AddedRowsTest,
                         testing::Values("bart", "marian", "m2m100", "pegasus", "t5_v1_1",
                                         "blenderbot"));

TEST(AddedRows, WhatFitsNoSourceIsRefused) {
  const std::vector<float> right(8, 1.0F), short_one(7, 1.0F);
  std::vector<float> infinite = right;
  infinite[3] = std::numeric_limits<float>::infinity();
  const auto check = [](AddedEmbedding added) {
    const std::vector<AddedEmbedding> all{std::move(added)};
    check_added({kSource, nullptr, all}, 8);
  };
  EXPECT_NO_THROW(check({4, right}));
  expect_error([&] { check({5, right}); }, ErrorCode::invalid_argument, "position 5");
  expect_error([&] { check({0, short_one}); }, ErrorCode::invalid_argument, "7 values");
  expect_error([&] { check({0, infinite}); }, ErrorCode::invalid_argument, "not finite");
}

TEST(AddedRows, AScalarIsItsLinearMap) {
  const ScalarEmbedding scalar{{1.0F, -2.0F, 0.5F}, {0.25F, 0.0F, -1.0F}};
  const AddedEmbedding added = scalar.at(3, 2.0F);
  EXPECT_EQ(added.position, 3U);
  EXPECT_EQ(added.values, (std::vector<float>{2.25F, -4.0F, 0.0F}));
  EXPECT_EQ((ScalarEmbedding{{1.0F, 2.0F}, {}}.at(0, 3.0F).values),
            (std::vector<float>{3.0F, 6.0F}));
  expect_error(
      [] {
        ScalarEmbedding{{1.0F, 2.0F}, {1.0F}}.at(0, 1.0F);
      },
      ErrorCode::invalid_argument, "bias");
}

}  // namespace
}  // namespace tandem
