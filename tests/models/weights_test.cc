// Laws of WeightMap: every tensor is taken once, in its shape, or an Error names it.
#include "models/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

WeightMap two_weights() {
  WeightMap weights("folder/model");
  weights.add("a.weight", {Tensor::zeros({2, 3}, DType::float32), {}});
  weights.add("b.bias", {Tensor::zeros({3}, DType::float32), {}});
  return weights;
}

TEST(WeightMap, AMissingTensorIsNamedWithFileAndShape) {
  WeightMap weights = two_weights();
  EXPECT_EQ(corrupt_message([&] {
              weights.take("c", {-1, 7});
            }),
            "folder/model: tensor 'c' is missing; expected [any, 7]");
  EXPECT_EQ(weights.take_if_present("c", {7}), nullptr);
}

TEST(WeightMap, APrefixIsDroppedWhereItStandsAndNamesStayOneTensorEach) {
  WeightMap weights = two_weights();
  weights.drop_prefix("a.");
  EXPECT_TRUE(weights.contains("weight"));
  EXPECT_TRUE(weights.contains("b.bias"));
  EXPECT_FALSE(weights.contains("a.weight"));
  weights.add("x.weight", {Tensor::zeros({1}, DType::float32), {}});
  EXPECT_EQ(corrupt_message([&] { weights.drop_prefix("x."); }),
            "folder/model: tensor 'weight' occurs twice");
}

TEST(WeightMap, AWrongShapeIsNamedWithBothShapes) {
  WeightMap weights = two_weights();
  EXPECT_EQ(corrupt_message([&] {
              weights.take("a.weight", {3, 2});
            }),
            "folder/model: tensor 'a.weight' has shape [2, 3], expected [3, 2]");
  EXPECT_THAT(corrupt_message([&] {
                weights.take_if_present("b.bias", {1, 3});
              }),
              HasSubstr("has shape [3], expected [1, 3]"));
  EXPECT_NO_THROW(weights.take("a.weight", {-1, 3}));
}

TEST(WeightMap, ATensorThatNobodyTakesIsAnErrorUnlessIgnored) {
  WeightMap weights = two_weights();
  weights.take("a.weight", {2, 3});
  EXPECT_THAT(corrupt_message([&] { weights.check_all_used(); }), HasSubstr("'b.bias' [3]"));
  weights.ignore("b.bias");
  EXPECT_NO_THROW(weights.check_all_used());
}

TEST(WeightMap, ANameOccursOnce) {
  WeightMap weights = two_weights();
  EXPECT_THAT(corrupt_message([&] { weights.add("b.bias", {}); }),
              HasSubstr("'b.bias' occurs twice"));
}

}  // namespace
}  // namespace tandem
