// Laws of convolutions over time and of the front end that is made of them.
#include "nn/convolution.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "nn/mel_front_end.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/random_tensors.h"

namespace tandem {
namespace {

// The definition, from the checkpoint's order [N_out, C, kernel]. x [T, C].
std::vector<float> convolve(const Tensor& stored, const Tensor& bias, const Tensor& x,
                            std::int64_t stride) {
  const std::int64_t outputs = stored.shape()[0], channels = stored.shape()[1],
                     kernel = stored.shape()[2];
  std::vector<float> out;
  for (std::int64_t t = 0; t + kernel <= x.shape()[0]; t += stride)
    for (std::int64_t n = 0; n < outputs; ++n) {
      double sum = bias.data<float>()[static_cast<std::size_t>(n)];
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t k = 0; k < kernel; ++k)
          sum +=
              double{
                  stored.data<float>()[static_cast<std::size_t>((n * channels + c) * kernel + k)]} *
              double{x.data<float>()[static_cast<std::size_t>((t + k) * channels + c)]};
      out.push_back(static_cast<float>(sum));
    }
  return out;
}

TEST(Convolution, IsTheSumOverItsWindowForEveryStride) {
  RandomTensors random(3);
  for (const std::int64_t channels : {1, 12, 80}) {
    const Tensor stored = random.normal({7, channels, 3}, 0.3F);
    LinearWeights weights;
    weights.weight = convolution_weights(stored);
    weights.bias = random.normal({7}, 0.3F);
    const Tensor x = random.normal({11, channels}, 1.0F);
    for (const std::int64_t stride : {1, 2, 3})
      for (const BackendChoice& choice : all_backends()) {
        const auto backend = choice.make();
        const Convolution convolution(*backend, weights, 3, stride, Activation::none,
                                      ComputeType::float32);
        const std::vector<float> expected = convolve(stored, weights.bias, x, stride);
        ASSERT_EQ(convolution.output_frames(11) * 7, static_cast<std::int64_t>(expected.size()));
        std::vector<float> out(expected.size());
        convolution.forward(*backend, ConstMatrixView(x),
                            MatrixView(out.data(), convolution.output_frames(11), 7));
        for (std::size_t i = 0; i < out.size(); ++i)
          EXPECT_NEAR(out[i], expected[i], 1e-4) << choice.name << ", stride " << stride;
      }
  }
}

class MelFrontEndTest : public testing::Test {
 protected:
  static constexpr std::int64_t kChannels = 5, kPositions = 6, kDim = 8;

  MelFrontEndTest() {
    RandomTensors random(4);
    weights_ = {random.linear(kDim, 3 * kChannels), random.linear(kDim, 3 * kDim)};
    positions_ = random.normal({kPositions, kDim}, 1.0F);
  }
  Features features(std::uint32_t seed) const {
    const Tensor values = RandomTensors(seed).normal({kChannels, 2 * kPositions}, 1.0F);
    const auto data = values.data<float>();
    return {kChannels, 2 * kPositions, {data.begin(), data.end()}};
  }
  std::vector<float> run(Backend& backend, const std::vector<const Features*>& sources) const {
    const MelFrontEnd front_end(backend, weights_, Parameter(backend, positions_),
                                ComputeType::float32);
    const auto rows = static_cast<std::int64_t>(sources.size()) * kPositions;
    std::vector<float> out(static_cast<std::size_t>(rows * kDim));
    Workspace workspace;
    front_end.forward(backend, sources, MatrixView(out.data(), rows, kDim), workspace);
    return out;
  }

  std::vector<LinearWeights> weights_;
  Tensor positions_;
};

TEST_F(MelFrontEndTest, ASourceHasTheSameBitsAloneAndInABatch) {
  const Features a = features(1), b = features(2), c = features(3);
  for (const BackendChoice& choice : all_backends()) {
    const auto backend = choice.make();
    const std::vector<float> together = run(*backend, {&a, &b, &c});
    const std::vector<float> alone = run(*backend, {&b});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + kPositions * kDim))
        << choice.name;
  }
}

TEST_F(MelFrontEndTest, RefusesAnotherShapeByName) {
  const auto backend = make_cpu_backend(1);
  Features longer = features(1);
  longer.frames += 1;
  longer.values.resize(static_cast<std::size_t>(longer.channels * longer.frames));
  expect_error([&] { run(*backend, {&longer}); }, ErrorCode::invalid_argument, "[5, 13]");
  Features torn = features(1);
  torn.values.pop_back();
  expect_error([&] { run(*backend, {&torn}); }, ErrorCode::invalid_argument, "59 values");
  const Features nothing;
  expect_error([&] { run(*backend, {&nothing}); }, ErrorCode::invalid_argument, "[0, 0]");
}

}  // namespace
}  // namespace tandem
