// Scoring by teacher forcing: the same numbers as generating, in one pass.
#include "decoding/forced.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

TEST(Forced, EveryHypothesisHasTheLogProbabilitiesThatScoringGivesIt) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    random_case.options.strategy = Beam{};
    for (const Hypothesis& hypothesis : run(random_case.model, 0, random_case.options).hypotheses) {
      if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
      const RunResult scored =
          run(random_case.model, 0, random_case.options,
              std::make_unique<Forced>(Forced::Options{random_case.options.start_token},
                                       std::vector<std::vector<TokenId>>{hypothesis.ids}));
      EXPECT_EQ(scored.best().ids, hypothesis.ids);
      EXPECT_EQ(scored.best().token_log_probs, hypothesis.token_log_probs);
      EXPECT_EQ(scored.best().sum_log_prob, hypothesis.sum_log_prob);
      EXPECT_EQ(scored.stats.decoder_passes, 1);
    }
  }
}

// Targets of a small vocabulary, so that many begin alike, are equal, or begin with another.
std::vector<std::vector<TokenId>> random_targets(Random& random) {
  std::vector<std::vector<TokenId>> targets(static_cast<std::size_t>(random.number(1, 12)));
  for (auto& target : targets) target = random.tokens(0, 6, 3);
  return targets;
}

// What has to be fed: every beginning that some target goes on from, once.
std::size_t distinct_beginnings(const std::vector<std::vector<TokenId>>& targets) {
  std::set<std::vector<TokenId>> beginnings;
  for (const auto& target : targets)
    for (std::size_t length = 0; length < target.size(); ++length)
      beginnings.emplace(target.begin(), target.begin() + static_cast<std::ptrdiff_t>(length));
  return beginnings.size();
}

void run_alone(TableDecoder& decoder, Search& search) {
  std::vector<Candidates> answers(1);
  while (!search.rows().empty()) {
    const SentenceRows rows{0, search.rows()};
    decoder.step({&rows, 1}, answers);
    search.advance(answers.front());
  }
}

TEST(Forced, TargetsTogetherHaveTheNumbersOfEachAloneAndShareTheirBeginnings) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const TableModel model = plain_case(seed).model;
    const auto targets = random_targets(random);
    for (const std::size_t max_run : {1, 2, 512}) {
      TableDecoder together(model);
      Forced forced({1, max_run, 0}, targets);
      run_alone(together, forced);
      EXPECT_EQ(together.fed_tokens, distinct_beginnings(targets));
      ASSERT_EQ(forced.results().size(), targets.size());
      for (std::size_t i = 0; i < targets.size(); ++i) {
        TableDecoder alone(model);
        Forced single({1, 512, 0}, {targets[i]});
        run_alone(alone, single);
        EXPECT_EQ(forced.results()[i].ids, targets[i]);
        EXPECT_EQ(forced.results()[i].token_log_probs, single.results()[0].token_log_probs);
      }
    }
  }
}

TEST(Forced, LabelsThatDifferInTheirLastTokenAreOnePass) {
  TableDecoder decoder(plain_case(0).model);
  Forced forced({1, 512, 0}, {{4, 5, 6}, {4, 5, 7}, {4, 5}, {4, 5, 6}});
  run_alone(decoder, forced);
  EXPECT_EQ(decoder.passes, 1);
  EXPECT_EQ(decoder.fed_tokens, 3U);
}

TEST(Forced, StatisticsAreThoseOfTheWholeRow) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TableModel model = plain_case(seed).model;
    model.has_ties = seed % 3 == 0;
    const auto targets = random_targets(random);
    TableDecoder decoder(model), plain(model);
    Forced forced({1, 3, model.vocabulary_size}, targets), without({1, 3, 0}, targets);
    run_alone(decoder, forced);
    run_alone(plain, without);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_EQ(forced.results()[i].token_log_probs, without.results()[i].token_log_probs);
      EXPECT_TRUE(without.statistics()[i].empty());
      ASSERT_EQ(forced.statistics()[i].size(), targets[i].size());
      std::vector<TokenId> history{1};
      for (std::size_t t = 0; t < targets[i].size(); ++t) {
        const auto row = log_softmax(model.logits(0, history));
        const TokenId token = targets[i][t];
        int rank = 1;
        double entropy = 0;
        for (TokenId other = 0; other < model.vocabulary_size; ++other) {
          const auto mine = static_cast<float>(row[static_cast<std::size_t>(token)]);
          const auto theirs = static_cast<float>(row[static_cast<std::size_t>(other)]);
          rank += theirs > mine || (theirs == mine && other < token) ? 1 : 0;
          entropy -=
              std::exp(row[static_cast<std::size_t>(other)]) * row[static_cast<std::size_t>(other)];
        }
        EXPECT_EQ(forced.statistics()[i][t].rank, rank);
        EXPECT_NEAR(forced.statistics()[i][t].entropy, entropy, 1e-5);
        history.push_back(token);
      }
    }
  }
}

TEST(Forced, AnEmptyTargetNeedsNoPassAndScoresZero) {
  const RandomCase random_case = plain_case(0);
  const RunResult scored =
      run(random_case.model, 0, random_case.options,
          std::make_unique<Forced>(Forced::Options{}, std::vector<std::vector<TokenId>>{{}}));
  EXPECT_EQ(scored.stats.decoder_passes, 0);
  EXPECT_TRUE(scored.best().ids.empty());
  EXPECT_EQ(scored.best().sum_log_prob, 0);
}

}  // namespace
}  // namespace tandem::testing
