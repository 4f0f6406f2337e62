// Scoring by teacher forcing: the same numbers as generating, in one pass.
#include "decoding/forced.h"

#include <memory>
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
              std::make_unique<Forced>(random_case.options.start_token, hypothesis.ids));
      EXPECT_EQ(scored.best().ids, hypothesis.ids);
      EXPECT_EQ(scored.best().token_log_probs, hypothesis.token_log_probs);
      EXPECT_EQ(scored.best().sum_log_prob, hypothesis.sum_log_prob);
      EXPECT_EQ(scored.stats.decoder_passes, 1);
    }
  }
}

TEST(Forced, AnEmptyTargetNeedsNoPassAndScoresZero) {
  const RandomCase random_case = plain_case(0);
  const RunResult scored = run(random_case.model, 0, random_case.options,
                               std::make_unique<Forced>(0, std::vector<TokenId>{}));
  EXPECT_EQ(scored.stats.decoder_passes, 0);
  EXPECT_TRUE(scored.best().ids.empty());
  EXPECT_EQ(scored.best().sum_log_prob, 0);
}

}  // namespace
}  // namespace tandem::testing
