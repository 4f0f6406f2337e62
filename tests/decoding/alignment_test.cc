// Hard links by marian-decoder's rule, and the text that other tools read.
#include <vector>

#include <gtest/gtest.h>

#include <tandem/alignment.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

const std::vector<std::vector<float>> kWeights{
    {0.1F, 0.6F, 0.3F}, {0.4F, 0.2F, 0.4F}, {0.05F, 0.9F, 0.05F}, {0.3F, 0.3F, 0.4F}};

TEST(Alignment, AThresholdOfOneLinksEachTargetToItsHeaviestSourceTheFirstOfEquals) {
  EXPECT_EQ(to_pharaoh(hard_alignment(kWeights)), "0-1 1-0 1-2 2-3");
}

TEST(Alignment, ASmallerThresholdMakesEveryLinkAboveIt) {
  EXPECT_EQ(to_pharaoh(hard_alignment(kWeights, 0.35)), "0-1 1-0 1-2 2-1 2-3");
  EXPECT_EQ(to_pharaoh(hard_alignment(kWeights, 0.95)), "");
  EXPECT_EQ(hard_alignment(kWeights, 0).size(), 12U);
}

TEST(Alignment, NothingHasNoLinksAndAThresholdIsAShare) {
  EXPECT_TRUE(hard_alignment({}).empty());
  EXPECT_EQ(to_pharaoh({}), "");
  for (const double threshold : {-0.1, 1.1, 0.0 / 0.0})
    expect_error([&] { hard_alignment(kWeights, threshold); }, ErrorCode::invalid_argument,
                 "threshold");
}

}  // namespace
}  // namespace tandem
