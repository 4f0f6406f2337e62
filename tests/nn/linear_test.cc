// Laws of products and of stacking them.
#include "nn/linear.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "nn/memory.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/random_tensors.h"

namespace tandem {
namespace {

std::vector<float> run(Backend& backend, const LinearWeights& weights, ComputeType type,
                       const Tensor& x) {
  const Linear linear(backend, weights, type);
  std::vector<float> out(static_cast<std::size_t>(x.shape()[0] * linear.outputs()));
  linear.forward(backend, ConstMatrixView(x),
                 MatrixView(out.data(), x.shape()[0], linear.outputs()));
  return out;
}

// Column c of row r of a stacked product must be that of the part that it came from.
void expect_stacked(const std::vector<const LinearWeights*>& parts, ComputeType type) {
  RandomTensors random(5);
  const Tensor x = random.normal({3, 9}, 1.0F);
  for (const BackendChoice& choice : all_backends()) {
    const auto backend = choice.make();
    const std::vector<float> stacked = run(*backend, stack_outputs(parts, "test"), type, x);
    const std::size_t width = stacked.size() / 3;
    std::size_t column = 0;
    for (const LinearWeights* part : parts) {
      const std::vector<float> alone = run(*backend, *part, type, x);
      const std::size_t part_width = alone.size() / 3;
      for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < part_width; ++c)
          EXPECT_EQ(stacked[r * width + column + c], alone[r * part_width + c]) << choice.name;
      column += part_width;
    }
  }
}

TEST(Linear, StackedOutputsAreThoseOfThePartsBitForBit) {
  RandomTensors random(1);
  const LinearWeights a = random.linear(4, 9), b = random.linear(70, 9);
  LinearWeights without_bias = random.linear(5, 9);
  without_bias.bias = {};
  expect_stacked({&a, &without_bias, &b}, ComputeType::float32);
}

TEST(Linear, StackedInt8OutputsKeepTheScaleOfTheirOwnMatrix) {
  RandomTensors random(2);
  LinearWeights a = random.int8_linear(4, 9, 30.0F), b = random.int8_linear(66, 9, 30.0F);
  b.weight_scales = {0.02F};
  expect_stacked({&a, &b}, ComputeType::int8);
  expect_stacked({&a, &b}, ComputeType::float32);
}

TEST(Linear, PartsThatCannotBeOneProductAreRefusedByName) {
  RandomTensors random(3);
  const LinearWeights plain = random.linear(4, 9), wide = random.linear(4, 8);
  const LinearWeights quantised = random.int8_linear(4, 9, 30.0F),
                      other = random.int8_linear(4, 9, 31.0F);
  for (const auto& [a, b] :
       {std::pair{&plain, &wide}, std::pair{&plain, &quantised}, std::pair{&quantised, &other}}) {
    const std::array parts{a, b};
    expect_error([&] { stack_outputs(parts, "layer 7, keys"); }, ErrorCode::corrupt,
                 "layer 7, keys");
  }
}

TEST(Linear, DequantisedValuesAreTheIntegersTimesTheirScale) {
  Tensor q = Tensor::zeros({2, 2}, DType::int8);
  const std::array<std::int8_t, 4> values{-127, 3, 0, 127};
  std::copy(values.begin(), values.end(), q.mutable_data<std::int8_t>().begin());
  const auto one = dequantize(q, std::vector<float>{0.5F});
  const auto rows = dequantize(q, std::vector<float>{0.5F, 2.0F});
  EXPECT_EQ(std::vector<float>(one.data<float>().begin(), one.data<float>().end()),
            (std::vector<float>{-63.5F, 1.5F, 0.0F, 63.5F}));
  EXPECT_EQ(std::vector<float>(rows.data<float>().begin(), rows.data<float>().end()),
            (std::vector<float>{-63.5F, 1.5F, 0.0F, 254.0F}));
}

TEST(Scratch, MemoryIsUsedAgainAndGrows) {
  const auto backend = make_reference_backend();
  Scratch scratch;
  const MatrixView large = scratch.matrix(*backend, 10, 10);
  EXPECT_EQ(scratch.matrix(*backend, 5, 20).raw(), large.raw());
  const MatrixView larger = scratch.matrix(*backend, 11, 10);
  larger.row<float>(10)[9] = 1.0F;
  EXPECT_EQ(scratch.matrix(*backend, 20, 10).raw(), larger.raw()) << "grew by doubling";
}

}  // namespace
}  // namespace tandem
