// Laws of the position tables.
#include "nn/positions.h"

#include <cmath>

#include <gtest/gtest.h>

namespace tandem {
namespace {

float at(const Tensor& table, std::int64_t row, std::int64_t column) {
  return table.data<float>()[static_cast<std::size_t>(row * table.shape()[1] + column)];
}

TEST(Positions, RowZeroIsZerosThenOnes) {
  for (const Tensor& table : {sinusoid_paper(3, 8), sinusoid_tensor2tensor(3, 8)})
    for (int i = 0; i < 8; ++i) EXPECT_EQ(at(table, 0, i), i < 4 ? 0.0F : 1.0F);
}

TEST(Positions, TheTwoFormsHaveTheRatesOfTheirDefinitions) {
  constexpr int kDim = 48;
  const Tensor paper = sinusoid_paper(64, kDim), other = sinusoid_tensor2tensor(64, kDim);
  for (int p = 0; p < 64; ++p)
    for (int i = 0; i < kDim / 2; ++i) {
      const double a = p * std::pow(10000.0, -2.0 * i / kDim);
      const double b = p * std::pow(10000.0, -i / (kDim / 2 - 1.0));
      EXPECT_EQ(at(paper, p, i), static_cast<float>(std::sin(a)));
      EXPECT_EQ(at(paper, p, kDim / 2 + i), static_cast<float>(std::cos(a)));
      EXPECT_NEAR(at(other, p, i), std::sin(b), 1e-5);
      EXPECT_NEAR(at(other, p, kDim / 2 + i), std::cos(b), 1e-5);
    }
}

TEST(Positions, AnOddWidthHasOneMoreSine) {
  const Tensor table = sinusoid_paper(2, 5);
  EXPECT_FLOAT_EQ(at(table, 1, 2), static_cast<float>(std::sin(std::pow(10000.0, -4.0 / 5))));
  EXPECT_FLOAT_EQ(at(table, 1, 3), std::cos(1.0F));
}

}  // namespace
}  // namespace tandem
