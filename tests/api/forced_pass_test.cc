// Laws of the pass over a given output, on a model whose files name an alignment layer.
#include "api/forced_pass.h"

#include <vector>

#include <gtest/gtest.h>

#include "models/load_model.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/marian_oracle.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

class GivenOutputs : public testing::Test {
 protected:
  GivenOutputs() {
    const TemporaryFolder folder;
    folder.write("model.bin", MarianOracle({}, 5).binary());
    network_ = load_model(folder.path(), Limits{}, ComputeType::float32, *backend_).network;
    const std::span<const TokenId> sources[] = {source_};
    encoded_ = network_->encode(*backend_, sources, workspace_).front();
  }

  std::vector<std::vector<float>> align(const Tokens& target, const CrossAttentionHead& head = {}) {
    return ForcedPass(*network_, *backend_, workspace_).align(*encoded_, {-1, target}, head);
  }
  HiddenStates states(const Tokens& target) {
    return ForcedPass(*network_, *backend_, workspace_).states(*encoded_, {-1, target});
  }

  const Tokens source_{5, 17, 3, 0};
  std::unique_ptr<Backend> backend_ = make_cpu_backend(1);
  std::shared_ptr<const EncoderDecoder> network_;
  ModelWorkspace workspace_;
  std::shared_ptr<const EncodedSource> encoded_;
};

TEST_F(GivenOutputs, AnAlignmentIsADistributionOverTheSourceForEachToken) {
  const auto alignment = align({7, 2, 0});
  ASSERT_EQ(alignment.size(), 3U);
  for (const auto& row : alignment) {
    ASSERT_EQ(row.size(), source_.size());
    double sum = 0;
    for (const float weight : row) sum += weight;
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
}

TEST_F(GivenOutputs, ATokenDoesNotDependOnWhatComesAfterIt) {
  EXPECT_EQ(align({7})[0], align({7, 2, 0})[0]);
  const HiddenStates one = states({7}), three = states({7, 2, 0});
  EXPECT_EQ(three.positions, 3U);
  EXPECT_EQ(one.values, std::vector<float>(three.at(0).begin(), three.at(0).end()));
  EXPECT_TRUE(align({}).empty());
  EXPECT_EQ(states({}).positions, 0U);
}

// Marian's rule: the layer that the files name ("last"), head 0.
TEST_F(GivenOutputs, TheDefaultIsHeadZeroOfTheNamedLayer) {
  EXPECT_EQ(align({7, 2, 0}), align({7, 2, 0}, {1, 0}));
  EXPECT_NE(align({7, 2, 0}), align({7, 2, 0}, {0, 0}));
  EXPECT_NE(align({7, 2, 0}), align({7, 2, 0}, {1, 1}));
  expect_error([&] { align({7}, {2, 0}); }, ErrorCode::invalid_argument, "layer 2");
}

TEST_F(GivenOutputs, AStateThatIsNotThereIsAnError) {
  expect_error([&] { (void)states({7}).at(1); }, ErrorCode::invalid_argument, "position 1");
}

}  // namespace
}  // namespace tandem
