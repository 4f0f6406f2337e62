// Mixtures of sources through the public API, on real small models.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

const Tokens kFirst{7, 60, 82, 32, 2}, kSecond{103, 86, 80, 2}, kThird{91, 5, 43, 81, 31, 2};

class Mixtures : public testing::TestWithParam<const char*> {
 protected:
  Mixtures() : engine_(Engine::load(std::string(TANDEM_GOLDEN_DIR) + "/hf/" + GetParam())) {}

  static Request request(MixtureMode mode, std::vector<Input> sources, std::vector<double> weights,
                         int num_beams) {
    Request request;
    request.strategy = Mixture{std::move(sources), std::move(weights), mode};
    request.generation.num_beams = num_beams;
    request.generation.num_return_sequences = num_beams;
    request.generation.max_new_tokens = 7;
    return request;
  }

  double score(MixtureMode mode, const std::vector<double>& weights, const Tokens& target) {
    TargetsRequest request;
    request.mixture = Mixture{{kFirst, kSecond, kThird}, weights, mode};
    request.targets = {target};
    return engine_.score(request).targets.at(0).sum_log_prob;
  }

  void expect_close(const Output& a, const Output& b, double tolerance = 1e-5) {
    ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
    for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
      EXPECT_EQ(a.hypotheses[i].ids, b.hypotheses[i].ids);
      EXPECT_NEAR(a.hypotheses[i].score, b.hypotheses[i].score, tolerance);
    }
  }

  Engine engine_;
};

TEST_P(Mixtures, OfOneSourceIsThePlainModel) {
  for (const int num_beams : {1, 3}) {
    const Request mixture = request(MixtureMode::token, {kFirst}, {}, num_beams);
    Request plain = mixture;
    plain.strategy = Automatic{};
    plain.input = kFirst;
    const Output expected = engine_.generate(plain), found = engine_.generate(mixture);
    expect_close(found, expected);
    for (std::size_t i = 0; i < expected.hypotheses.size(); ++i)
      EXPECT_EQ(found.hypotheses[i].token_log_probs, expected.hypotheses[i].token_log_probs);
    EXPECT_EQ(found.stats.decoder_passes, expected.stats.decoder_passes);
    EXPECT_EQ(found.stats.encoder_runs, 1);

    const Output whole =
        engine_.generate(request(MixtureMode::sequence, {kFirst}, {2.0}, num_beams));
    ASSERT_EQ(whole.hypotheses.size(), expected.hypotheses.size());
    for (const Hypothesis& hypothesis : whole.hypotheses) {
      const auto same =
          std::find_if(expected.hypotheses.begin(), expected.hypotheses.end(),
                       [&](const Hypothesis& other) { return other.ids == hypothesis.ids; });
      ASSERT_NE(same, expected.hypotheses.end());
      EXPECT_NEAR(hypothesis.score, same->sum_log_prob, 1e-5);
    }
  }
}

TEST_P(Mixtures, OrderAndSourcesOfWeightZeroChangeNothing) {
  for (const auto mode : {MixtureMode::token, MixtureMode::sequence, MixtureMode::sequence_fast}) {
    const Output first =
        engine_.generate(request(mode, {kFirst, kSecond, kThird}, {0.5, 0.2, 0.3}, 3));
    expect_close(engine_.generate(request(mode, {kThird, kFirst, kSecond}, {3, 5, 2}, 3)), first);
    const Output two = engine_.generate(request(mode, {kFirst, kSecond}, {1, 3}, 3));
    expect_close(engine_.generate(request(mode, {kThird, kFirst, kSecond}, {0, 1, 3}, 3)), two);
    EXPECT_EQ(two.stats.encoder_runs, mode == MixtureMode::sequence ? 4 : 2);
  }
}

TEST_P(Mixtures, TheSameSourceTwiceIsThatSource) {
  expect_close(engine_.generate(request(MixtureMode::token, {kFirst, kFirst}, {}, 3)),
               engine_.generate(request(MixtureMode::token, {kFirst}, {}, 3)));
}

TEST_P(Mixtures, OutputsHaveTheProbabilityThatScoringGivesThem) {
  const std::vector<double> weights{0.5, 0.2, 0.3};
  for (const auto mode : {MixtureMode::token, MixtureMode::sequence}) {
    const Output output = engine_.generate(request(mode, {kFirst, kSecond, kThird}, weights, 3));
    for (const Hypothesis& hypothesis : output.hypotheses) {
      EXPECT_NEAR(hypothesis.sum_log_prob, score(mode, weights, hypothesis.ids), 1e-5);
      double sum = 0;
      for (const float log_prob : hypothesis.token_log_probs) sum += log_prob;
      EXPECT_NEAR(hypothesis.sum_log_prob, sum, 1e-4);
    }
  }
  EXPECT_NEAR(score(MixtureMode::token, weights, {79}), score(MixtureMode::sequence, weights, {79}),
              1e-5);
}

TEST_P(Mixtures, ThoroughIsNeverBelowFast) {
  const std::vector<Input> sources{kFirst, kSecond, kThird};
  const Output fast = engine_.generate(request(MixtureMode::sequence_fast, sources, {}, 3));
  for (const Hypothesis& hypothesis : fast.hypotheses)
    EXPECT_GE(score(MixtureMode::sequence, {}, hypothesis.ids), hypothesis.score - 1e-5);
}

TEST_P(Mixtures, RunBesideOtherRequestsAndFailAlone) {
  std::vector<Request> requests;
  requests.emplace_back(kFirst);
  requests.back().generation.max_new_tokens = 7;
  for (const auto mode : {MixtureMode::token, MixtureMode::sequence})
    requests.push_back(request(mode, {kFirst, kSecond}, {}, 2));
  requests.push_back(request(MixtureMode::token, {kFirst, kSecond}, {1}, 2));
  requests.push_back(request(MixtureMode::sequence, {}, {}, 2));
  requests.push_back(request(MixtureMode::token, {kFirst, kSecond}, {0, 0}, 2));
  std::size_t reported = 0;
  CallOptions call;
  call.on_progress = [&](std::size_t done, std::size_t total) {
    EXPECT_LE(++reported, done);
    EXPECT_EQ(total, 6U);
  };
  const std::vector<Output> outputs = engine_.generate(requests, call);
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(outputs[i].error) << outputs[i].error->what();
    expect_close(outputs[i], engine_.generate(requests[i]), 0);
  }
  for (int i = 3; i < 6; ++i) {
    ASSERT_TRUE(outputs[i].error) << i;
    EXPECT_EQ(outputs[i].error->code(), ErrorCode::invalid_argument);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Mixtures, testing::Values("bart", "marian", "t5_v1_1"));

}  // namespace
}  // namespace tandem
