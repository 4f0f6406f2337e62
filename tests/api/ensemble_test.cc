// Ensembles of engines through the public API, on real small models.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;
using Shared = std::shared_ptr<const Engine>;

const Tokens kSource{7, 60, 82, 32, 2};

Shared load(const std::string& directory, ComputeType type = ComputeType::float32) {
  EngineOptions options;
  options.compute_type = type;
  return std::make_shared<const Engine>(Engine::load(directory, options));
}

Shared golden(const std::string& name) {
  return load(std::string(TANDEM_GOLDEN_DIR) + "/hf/" + name);
}

Request request_of(Strategy strategy, void (*set)(GenerationOptions&)) {
  Request request(kSource);
  request.strategy = std::move(strategy);
  request.generation.max_new_tokens = 7;
  set(request.generation);
  return request;
}

void expect_close(const Output& a, const Output& b, double tolerance = 1e-4) {
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
    EXPECT_EQ(a.hypotheses[i].ids, b.hypotheses[i].ids);
    EXPECT_NEAR(a.hypotheses[i].sum_log_prob, b.hypotheses[i].sum_log_prob, tolerance);
    EXPECT_NEAR(a.hypotheses[i].score, b.hypotheses[i].score, tolerance);
  }
}

void greedily(GenerationOptions&) {}
void with_beams(GenerationOptions& options) {
  options.num_beams = options.num_return_sequences = 3;
}
void with_groups(GenerationOptions& options) {
  with_beams(options);
  options.num_beam_groups = 3;
  options.diversity_penalty = 0.4;
}
void by_sampling(GenerationOptions& options) {
  options.do_sample = true;
  options.num_return_sequences = 3;
  options.top_k = 0;
}

constexpr void (*kSearches[])(GenerationOptions&) = {greedily, with_beams, with_groups,
                                                     by_sampling};

class Ensembles : public testing::TestWithParam<const char*> {
 protected:
  Shared engine_ = golden(GetParam());
};

TEST_P(Ensembles, OfAModelWithItselfIsThatModelInEverySearch) {
  for (const auto set : kSearches) {
    const Output plain = engine_->generate(request_of(Automatic{}, set));
    for (const auto mode : {EnsembleMode::arithmetic, EnsembleMode::geometric}) {
      const Output alone = engine_->generate(request_of(Ensemble{{}, {}, mode}, set));
      const Output twice =
          engine_->generate(request_of(Ensemble{{engine_, engine_}, {2, 1, 1}, mode}, set));
      expect_close(alone, plain);
      expect_close(twice, plain);
      EXPECT_EQ(twice.stats.encoder_runs, 3);
      EXPECT_EQ(twice.stats.decoder_passes, plain.stats.decoder_passes);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Ensembles, testing::Values("bart", "marian", "t5_v1_1"));

// The same weights in another type of number: a member that disagrees a little.
class TwoModels : public testing::Test {
 protected:
  const std::string directory_ = TANDEM_SOURCE_DIR "/examples/models/correct-en";
  Shared first_ = load(directory_), second_ = load(directory_, ComputeType::int8);

  Output answer(const Shared& own, Ensemble ensemble) const {
    Request request("She have two cat and he go home.");
    request.strategy = std::move(ensemble);
    request.generation.num_beams = request.generation.num_return_sequences = 3;
    return own->generate(request);
  }
};

TEST_F(TwoModels, OrderAndMembersOfWeightZeroChangeNothing) {
  for (const auto mode : {EnsembleMode::arithmetic, EnsembleMode::geometric}) {
    const Output both = answer(first_, {{second_}, {3, 1}, mode});
    expect_close(answer(second_, {{first_}, {1, 3}, mode}), both);
    expect_close(answer(first_, {{second_, first_}, {3, 1, 0}, mode}), both);
    expect_close(answer(first_, {{second_}, {1, 0}, mode}), answer(first_, {{}, {}, mode}));
    expect_close(answer(first_, {{second_}, {0, 1}, mode}), answer(second_, {{}, {}, mode}));
  }
}

// Scored by each model alone, the arithmetic mean of one next token is the mean of the two.
TEST_F(TwoModels, ProbabilitiesAreTheMeansOfTheMembersOwn) {
  const auto first_token = [&](const Shared& engine, TokenId token) {
    NextTokenRequest request;
    request.input = "She have two cat and he go home.";
    request.ids = {token};
    return static_cast<double>(engine->next_log_probs(request).log_probs.at(0));
  };
  const Output output = answer(first_, {{second_}, {3, 1}, EnsembleMode::arithmetic});
  const Hypothesis& best = output.hypotheses.at(0);
  const double mean = 0.75 * std::exp(first_token(first_, best.ids.at(0))) +
                      0.25 * std::exp(first_token(second_, best.ids.at(0)));
  EXPECT_NEAR(std::exp(best.token_log_probs.at(0)), mean, 1e-5);
}

TEST_F(TwoModels, RunBesideOtherRequests) {
  std::vector<Request> requests(3, Request("She have two cat."));
  requests[0].strategy = Ensemble{{second_}, {}, EnsembleMode::geometric};
  requests[2].strategy = Ensemble{{second_, first_}, {}, EnsembleMode::arithmetic};
  const std::vector<Output> together = first_->generate(requests);
  for (std::size_t i = 0; i < requests.size(); ++i)
    expect_close(together[i], first_->generate(requests[i]), 0);
}

TEST_F(TwoModels, WhatCannotBeAveragedIsRefused) {
  const auto refused = [&](Ensemble ensemble, ErrorCode code, const std::string& named) {
    expect_error([&] { answer(first_, std::move(ensemble)); }, code, named);
  };
  refused({{golden("marian")}, {}, {}}, ErrorCode::invalid_argument, "target vocabulary");
  refused({{nullptr}, {}, {}}, ErrorCode::invalid_argument, "members[0]");
  refused({{second_}, {1}, {}}, ErrorCode::invalid_argument, "2 models and 1 weights");
  refused({{second_}, {0, 0}, {}}, ErrorCode::invalid_argument, "above 0");
  refused({std::vector<Shared>(65, second_), {}, {}}, ErrorCode::resource_exhausted, "65 members");
}

}  // namespace
}  // namespace tandem
