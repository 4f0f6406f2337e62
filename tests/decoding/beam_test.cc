// Beam search against a literal transcription of its published rules.
#include "decoding/beam.h"

#include <vector>

#include <gtest/gtest.h>

#include "support/huggingface_oracle.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

void expect_oracle(const RandomCase& random_case) {
  const RunResult result = run(random_case.model, 3, random_case.options);
  const auto expected = HuggingFaceOracle(random_case.model, 3, random_case.options).beam_search();
  if (expected.empty()) {
    EXPECT_EQ(result.best().finish_reason, FinishReason::constraint_unsatisfied);
    return;
  }
  ASSERT_EQ(result.hypotheses.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(result.hypotheses[i].ids, expected[i].ids) << "hypothesis " << i;
    EXPECT_NEAR(result.hypotheses[i].score, expected[i].score, 1e-9) << "hypothesis " << i;
  }
}

TEST(BeamSearch, FollowsHuggingFaceWithPlainScores) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    add_beams(seed, random_case.options);
    random_case.options.strategy = Beam{};
    expect_oracle(random_case);
  }
}

TEST(BeamSearch, FollowsHuggingFaceWithAnyMixOfOptions) {
  for (std::uint64_t seed = 1000; seed < 1700; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    random_case.options.strategy = Beam{};
    expect_oracle(random_case);
  }
}

}  // namespace
}  // namespace tandem::testing
