// The time limit: a search inside it is itself until its time is up.
#include "decoding/time_limit.h"

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Clock = TimeLimit::Clock;

// A second passes between two looks at the clock.
std::unique_ptr<Search> limited(const SearchOptions& options, double seconds) {
  return std::make_unique<TimeLimit>(
      make_search(options), seconds,
      [now = Clock::time_point()]() mutable { return now += std::chrono::seconds(1); });
}

TEST(TimeLimit, EndsAfterTheStepInWhichTimeIsUpWithTheBestSoFar) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    if (seed % 2 == 1) {
      add_beams(seed, random_case.options);
      random_case.options.strategy = Beam{};
    }
    const SearchOptions& options = random_case.options;
    const RunResult whole = run(random_case.model, 0, options);
    for (const int steps : {1, 2, 5}) {
      const RunResult cut = run(random_case.model, 0, options, limited(options, steps));
      if (whole.stats.decoder_passes <= steps) {
        expect_same(cut, whole);
      } else {
        EXPECT_EQ(cut.stats.decoder_passes, steps);
        EXPECT_LE(cut.best().ids.size(), options.prefix.size() + static_cast<std::size_t>(steps));
      }
    }
  }
}

TEST(TimeLimit, IsPutAroundAnySearchThatAsksForIt) {
  RandomCase random_case = plain_case(3);
  random_case.options.max_new_tokens = 12;
  random_case.options.eos_tokens.clear();
  random_case.options.max_time = 1e-9;
  const RunResult result = run(random_case.model, 0, random_case.options);
  EXPECT_EQ(result.stats.decoder_passes, 1);
  EXPECT_EQ(result.best().finish_reason, FinishReason::length);
}

}  // namespace
}  // namespace tandem::testing
