// Laws of shapes and tensors.
#include "tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Shape, RefusesOverflowNegativeExtentsAndTooManyAxes) {
  const std::vector<std::int64_t> huge(3, std::int64_t{1} << 31);
  EXPECT_THROW(Shape{std::span<const std::int64_t>(huge)}, Error);
  EXPECT_THROW((Shape{2, -1}), Error);
  const std::vector<std::int64_t> deep(9, 1);
  EXPECT_THROW(Shape{std::span<const std::int64_t>(deep)}, Error);
}

TEST(Tensor, TransposeTwiceIsTheSame) {
  Tensor tensor = Tensor::zeros({3, 5}, DType::int8);
  auto values = tensor.mutable_data<std::int8_t>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int8_t>(i);
  const Tensor again = tensor.transposed().transposed();
  EXPECT_EQ(again.shape(), tensor.shape());
  EXPECT_TRUE(std::equal(values.begin(), values.end(), again.data<std::int8_t>().begin()));
}

TEST(DType, EveryHalfConvertsToTheFloatItMeans) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>((bits >> 10) & 31);
    const double mantissa = bits & 1023;
    double expected = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    if (exponent == 31) expected = mantissa == 0 ? std::numeric_limits<double>::infinity() : NAN;
    if (bits & 0x8000) expected = -expected;
    const float got = half_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(got)) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(got), expected) << bits;
    }
  }
}

TEST(DType, HalfRoundTripsAndRoundsToEven) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value)))) << bits;
      continue;
    }
    EXPECT_EQ(float_to_half(value), bits);
    // Half way to the next of the same sign: to the even one of both.
    const float next = half_to_float(static_cast<std::uint16_t>(bits + 1));
    if ((bits & 0x7FFFU) < 0x7BFF) {
      EXPECT_EQ(float_to_half((value + next) / 2), bits + bits % 2) << bits;
    }
  }
  EXPECT_EQ(float_to_half(65519.996F), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00);  // half way to 65536: infinity, which is even
  EXPECT_EQ(float_to_half(-1e30F), 0xFC00);
}

TEST(DType, Bfloat16RoundTripsAndRoundsToEven) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = bfloat16_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(float_to_bfloat16(value), bits);
  }
  EXPECT_EQ(float_to_bfloat16(1.0F + 1.0F / 256), 0x3F80);      // half way, to even
  EXPECT_EQ(float_to_bfloat16(1.0F + 3.0F / 256), 0x3F82);
}

}  // namespace
}  // namespace tandem
