// Scoring through the public API, on real small models of several families: whatever is asked
// together has the numbers of what is asked alone, and the encoder runs once.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

class Scoring : public testing::TestWithParam<const char*> {
 protected:
  Scoring() : engine_(Engine::load(std::string(TANDEM_GOLDEN_DIR) + "/hf/" + GetParam())) {}

  TargetsRequest request() const {
    TargetsRequest request;
    request.input = Tokens{7, 60, 82, 32, 2};
    request.targets = {Tokens{79, 39, 58, 2}, Tokens{79, 39, 60, 23, 2}, Tokens{8, 2},
                       Tokens{79, 39}, Tokens{79, 39, 58, 2}};
    return request;
  }

  Engine engine_;
};

TEST_P(Scoring, ManyTargetsHaveTheNumbersOfSeparateCallsAndOneEncoderRun) {
  const TargetScores together = engine_.score(request());
  EXPECT_EQ(together.stats.encoder_runs, 1);
  ASSERT_EQ(together.targets.size(), request().targets.size());
  for (std::size_t i = 0; i < together.targets.size(); ++i) {
    const Input target = request().targets[i];
    const std::vector<ScoreRequest> single{{request().input, target, "", ""}};
    const Score alone = engine_.score(single).front();
    const TargetScore& score = together.targets[i];
    EXPECT_EQ(score.ids, std::get<Tokens>(target));
    EXPECT_EQ(score.token_log_probs, alone.token_log_probs);
    EXPECT_EQ(score.sum_log_prob, alone.sum_log_prob);
    EXPECT_TRUE(score.ranks.empty() && score.entropies.empty());
    EXPECT_NEAR(score.perplexity(),
                std::exp(-alone.sum_log_prob / static_cast<double>(score.ids.size())), 1e-6);
  }
}

TEST_P(Scoring, AGeneratedOutputHasItsOwnLogProbabilitiesAndGreedyTokensRankFirst) {
  Request generate(std::get<Tokens>(request().input));
  generate.strategy = Greedy{};
  generate.generation.max_new_tokens = 8;
  generate.generation.num_beams = 1;
  generate.generation.forced_eos_token_id = Tokens{};
  generate.generation.no_repeat_ngram_size = 0;
  generate.generation.min_length = 0;
  const Hypothesis best = engine_.generate(generate).hypotheses.at(0);
  TargetsRequest score;
  score.input = generate.input;
  score.targets = {best.ids, Tokens{79, 39, 58}};
  score.statistics = true;
  const TargetScores scores = engine_.score(score);
  EXPECT_EQ(scores.targets[0].token_log_probs, best.token_log_probs);
  score.statistics = false;
  EXPECT_EQ(engine_.score(score).targets[1].token_log_probs, scores.targets[1].token_log_probs);
  // A language mark that the model forces first need not be its own first choice.
  for (std::size_t t = 1; t < best.ids.size(); ++t) EXPECT_EQ(scores.targets[0].ranks[t], 1);
  ASSERT_EQ(scores.targets[1].entropies.size(), 3U);
  const float most = std::log(
      static_cast<float>(engine_.next_log_probs({score.input, {}, {}, "", ""}).log_probs.size()));
  for (const float entropy : scores.targets[1].entropies) {
    EXPECT_GE(entropy, 0.0F);
    EXPECT_LE(entropy, most + 1e-4F);
  }
}

TEST_P(Scoring, TheNextTokenIsADistributionAndAgreesWithScoring) {
  NextTokenRequest next;
  next.input = request().input;
  next.prefix = Tokens{79, 39};
  const NextTokenScores all = engine_.next_log_probs(next);
  EXPECT_EQ(all.stats.encoder_runs, 1);
  EXPECT_EQ(all.stats.decoder_passes, 1);
  double sum = 0;
  for (const float log_prob : all.log_probs) sum += std::exp(static_cast<double>(log_prob));
  EXPECT_NEAR(sum, 1.0, 1e-5);
  const TargetScores scores = engine_.score(request());
  next.ids = {60, 58, 60};
  EXPECT_EQ(engine_.next_log_probs(next).log_probs,
            (std::vector<float>{scores.targets[1].token_log_probs[2],
                                scores.targets[0].token_log_probs[2],
                                scores.targets[1].token_log_probs[2]}));
  EXPECT_EQ(all.log_probs[58], scores.targets[0].token_log_probs[2]);
}

TEST_P(Scoring, ALabelIsChosenByItsMeanOrItsSum) {
  TargetScores scores = engine_.score(request());
  const auto by_perplexity = [&](const TargetScore& a, const TargetScore& b) {
    return a.perplexity() < b.perplexity();
  };
  const auto lowest = std::min_element(scores.targets.begin(), scores.targets.end(), by_perplexity);
  EXPECT_EQ(scores.least_perplexing(), static_cast<std::size_t>(lowest - scores.targets.begin()));
  for (const TargetScore& target : scores.targets)
    EXPECT_GE(scores.targets[scores.most_probable()].sum_log_prob, target.sum_log_prob);
}

TEST_P(Scoring, AListIsRankedByTheNextTokenOfEachWindow) {
  ListwiseRequest request;
  request.count = 7;
  request.windows = {4, 2};
  request.identifiers = {40, 41, 42, 43};
  request.prefix = Tokens{79};
  std::vector<std::vector<std::size_t>> windows;
  const auto write = [](std::span<const std::size_t> items) {
    Tokens prompt{7};
    for (const std::size_t item : items) prompt.push_back(static_cast<TokenId>(50 + item));
    prompt.push_back(2);
    return Input(prompt);
  };
  request.prompt = [&](std::span<const std::size_t> items) {
    windows.emplace_back(items.begin(), items.end());
    return write(items);
  };
  const std::vector<std::size_t> order = rank_listwise(engine_, request);
  ASSERT_EQ(windows.size(), 3U);  // items 3 to 6, 1 to 4, 0 to 3
  // The first four are the last window's, in the order of their identifiers' log-probabilities.
  NextTokenRequest next{write(windows.back()), request.prefix, request.identifiers, "", ""};
  const NextTokenScores scores = engine_.next_log_probs(next);
  EXPECT_EQ(scores.stats.decoder_passes, 1);
  std::vector<std::size_t> places{0, 1, 2, 3};
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    return scores.log_probs[a] > scores.log_probs[b];
  });
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(order[i], windows.back()[places[i]]);
  request.identifiers.pop_back();
  expect_error([&] { rank_listwise(engine_, request); }, ErrorCode::invalid_argument, "3 ident");
}

TEST_P(Scoring, BadRequestsAreErrorsThatDisturbNobody) {
  std::vector<TargetsRequest> requests(4, request());
  requests[0].targets.clear();
  requests[1].targets.emplace_back(Tokens{});
  requests[2].targets.emplace_back(Tokens{1'000'000});
  std::size_t reported = 0;
  CallOptions call;
  call.on_progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(done, ++reported);
    EXPECT_EQ(total, 4U);
  };
  const auto answers = engine_.score(requests, call);
  EXPECT_EQ(reported, 4U);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(answers[i].error) << i;
    EXPECT_EQ(answers[i].error->code(), ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(answers[3].error);
  EXPECT_EQ(answers[3].targets.size(), 5U);
  expect_error(
      [&] {
        engine_.next_log_probs({Tokens{7, 2}, {}, {1'000'000}, "", ""});
      },
      ErrorCode::invalid_argument, "ids[0] is 1000000");
}

INSTANTIATE_TEST_SUITE_P(Families, Scoring,
                         testing::Values("bart", "marian", "m2m100", "t5_v1_1", "pegasus"));

}  // namespace
}  // namespace tandem
