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
  expect_hypotheses(result, expected, 1e-9);
}

TEST(BeamSearch, FollowsHuggingFaceWithPlainScores) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    expect_oracle(beam_case(seed, plain_case(seed)));
  }
}

TEST(BeamSearch, FollowsHuggingFaceWithAnyMixOfOptions) {
  for (std::uint64_t seed = 1000; seed < 1700; ++seed) {
    SCOPED_TRACE(seed);
    expect_oracle(beam_case(seed, mixed_case(seed)));
  }
}

}  // namespace
}  // namespace tandem::testing
