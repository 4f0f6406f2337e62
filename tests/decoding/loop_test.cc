// The loop: sentences join and leave between steps, and leave nothing behind.
#include "decoding/loop.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decoding/forced.h"
#include "decoding/make_search.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

TEST(Loop, ASearchWithNothingToDoLeavesWithoutAPass) {
  TableDecoder decoder(plain_case(0).model);
  Loop loop(decoder);
  loop.add(7, 70,
           std::make_unique<Forced>(Forced::Options{}, std::vector<std::vector<TokenId>>{{}}));
  std::vector<Loop::Entry> finished;
  loop.step(finished);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].tag, 70U);
  EXPECT_EQ(finished[0].decoder_passes, 0);
  EXPECT_EQ(decoder.passes, 0);
  EXPECT_EQ(loop.active(), 0U);
}

TEST(Loop, SentencesThatJoinBetweenStepsChangeNothing) {
  const RandomCase random_case = plain_case(3);
  std::vector<RunResult> alone;
  std::vector<SearchOptions> options;
  for (int i = 0; i < 6; ++i) {
    options.push_back(random_case.options);
    options.back().max_new_tokens = 4 + i;
    if (i % 2 == 1) {
      options.back().strategy = Beam{};
      options.back().num_beams = 3;
    }
    alone.push_back(run(random_case.model, i, options.back()));
  }
  TableDecoder decoder(random_case.model);
  Loop loop(decoder);
  std::vector<Loop::Entry> finished;
  std::size_t next = 0;
  while (finished.size() < options.size()) {
    if (next < options.size()) {
      loop.add(static_cast<int>(next), next, make_search(options[next]));
      ++next;
    }
    loop.step(finished);
  }
  EXPECT_FALSE(decoder.holds_sentences());
  for (const Loop::Entry& entry : finished) {
    EXPECT_EQ(entry.search->results()[0].ids, alone[entry.tag].best().ids);
    EXPECT_EQ(entry.decoder_passes, alone[entry.tag].stats.decoder_passes);
  }
}

TEST(Loop, ASearchStoppedAtAnyStepHasSoundResults) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    if (seed % 2 == 1) add_beams(seed, options);
    if (seed % 2 == 1) options.strategy = Beam{};
    if (seed % 4 == 3) options.profile = Profile::marian;
    if (seed % 4 == 2) options.strategy = Aggressive{};
    if (seed % 8 == 5) {
      options.strategy = DiverseBeam{};
      options.num_beam_groups = options.num_beams;
    }
    const bool is_ranked = seed % 8 != 0;
    if (!is_ranked) {
      options.strategy = Sample{};
      options.num_return_sequences = 3;
    }
    if (seed % 16 == 4) options.strategy = StochasticBeam{};
    if (seed % 16 == 6) options.strategy = SequentialMonteCarlo{};
    if (seed % 16 == 10) options.strategy = MinimumBayesRisk{.utility = Utility::bleu};
    TableDecoder decoder(random_case.model);
    Loop loop(decoder);
    loop.add(0, 0, make_search(options));
    std::vector<Loop::Entry> finished;
    do {
      const Search& search = finished.empty() ? *loop.entries()[0].search : *finished[0].search;
      const auto results = search.results();
      ASSERT_FALSE(results.empty());
      EXPECT_LE(results.size(), static_cast<std::size_t>(options.num_return_sequences));
      for (std::size_t i = 0; i < results.size(); ++i) {
        expect_sound(random_case.model, {0, options, nullptr}, results[i]);
        if (is_ranked) {
          EXPECT_GE(results[i > 0 ? i - 1 : 0].score, results[i].score);
        }
      }
      if (!finished.empty()) break;
      loop.step(finished);
    } while (true);
  }
}

TEST(Loop, AnErrorOfTheDecoderReachesTheCallerAndLosesNoSearch) {
  class FaultyDecoder : public StepDecoder {
   public:
    void step(std::span<const SentenceRows>, std::span<Candidates>) override {
      throw Error(ErrorCode::resource_exhausted, "no memory for the cache");
    }
    void release(int) override {}
  };
  FaultyDecoder decoder;
  Loop loop(decoder);
  loop.add(0, 0, make_search(plain_case(0).options));
  std::vector<Loop::Entry> finished;
  EXPECT_THROW(loop.step(finished), Error);
  EXPECT_TRUE(finished.empty());
  EXPECT_EQ(loop.active(), 1U);
}

}  // namespace
}  // namespace tandem::testing
