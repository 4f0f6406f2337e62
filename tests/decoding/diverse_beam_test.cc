// Diverse beam search against a literal transcription of its published rules, and its own laws.
#include "decoding/diverse_beam.h"

#include <cstddef>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "support/group_beam_oracle.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

RandomCase diverse_case(std::uint64_t seed, RandomCase random_case) {
  Random random(seed ^ 0x777);
  SearchOptions& options = random_case.options;
  options.num_beam_groups = random.number(1, 4);
  options.num_beams = options.num_beam_groups * random.number(1, 2);
  options.num_return_sequences = options.num_beams;
  options.diversity_penalty = random.one_of({0.1, 0.5, 1.0, 3.0});
  options.early_stopping =
      random.one_of({EarlyStopping::no, EarlyStopping::yes, EarlyStopping::never});
  options.length_penalty = random.one_of({1.0, 0.0, 2.0, -1.0});
  options.strategy =
      DiverseBeam{random.one_of({Diversity::hamming, Diversity::cumulative, Diversity::ngram})};
  options.renormalize = false;  // see "Differs" in diverse_beam.h
  return random_case;
}

// Runs a diverse beam search and returns the hypotheses of each group, best first.
std::vector<std::vector<Hypothesis>> run_groups(const RandomCase& random_case, int sentence) {
  TableDecoder decoder(random_case.model);
  Loop loop(decoder);
  loop.add(sentence, 0, std::make_unique<DiverseBeamSearch>(random_case.options));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  const auto& search = dynamic_cast<const DiverseBeamSearch&>(*finished.front().search);
  std::vector<std::vector<Hypothesis>> groups;
  for (int i = 0; i < random_case.options.num_beam_groups; ++i)
    groups.push_back(search.group_results(static_cast<std::size_t>(i)));
  return groups;
}

void expect_equal(const std::vector<Hypothesis>& a, const std::vector<Hypothesis>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].ids, b[i].ids);
    EXPECT_EQ(a[i].score, b[i].score);
  }
}

void expect_oracle(const RandomCase& random_case) {
  const RunResult result = run(random_case.model, 5, random_case.options,
                               std::make_unique<DiverseBeamSearch>(random_case.options));
  const auto expected = GroupBeamOracle(random_case.model, 5, random_case.options).search();
  if (expected.empty()) {
    EXPECT_EQ(result.best().finish_reason, FinishReason::constraint_unsatisfied);
    return;
  }
  ASSERT_EQ(result.hypotheses.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(result.hypotheses[i].ids, expected[i].ids) << "hypothesis " << i;
    EXPECT_NEAR(result.hypotheses[i].score, expected[i].score, 1e-5) << "hypothesis " << i;
  }
}

TEST(DiverseBeam, FollowsHuggingFaceWithPlainScores) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    expect_oracle(diverse_case(seed, plain_case(seed)));
  }
}

TEST(DiverseBeam, FollowsHuggingFaceWithAnyMixOfOptions) {
  for (std::uint64_t seed = 2000; seed < 2400; ++seed) {
    SCOPED_TRACE(seed);
    expect_oracle(diverse_case(seed, mixed_case(seed)));
  }
}

TEST(DiverseBeam, OneGroupIsBeamSearch) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    // The two stopping bounds differ only where a step's best candidate has just ended.
    random_case.options.early_stopping = EarlyStopping::yes;
    random_case.options.strategy = Beam{};
    const RunResult beam = run(random_case.model, 0, random_case.options);
    random_case.options.strategy = DiverseBeam{};
    const RunResult diverse = run(random_case.model, 0, random_case.options,
                                  std::make_unique<DiverseBeamSearch>(random_case.options));
    expect_same(beam, diverse);
  }
}

TEST(DiverseBeam, WithoutAPenaltyTheGroupsAreCopies) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = diverse_case(seed, mixed_case(seed));
    random_case.options.diversity_penalty = 0;
    const auto groups = run_groups(random_case, 0);
    for (const auto& group : groups) expect_equal(group, groups.front());
  }
}

TEST(DiverseBeam, TheFirstGroupIsBeamSearchOfItsWidthForAnyPenalty) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = diverse_case(seed, mixed_case(seed));
    RandomCase alone = random_case;
    alone.options.num_beams /= alone.options.num_beam_groups;
    alone.options.num_beam_groups = 1;
    expect_equal(run_groups(random_case, 0).front(), run_groups(alone, 0).front());
  }
}

TEST(DiverseBeam, AddingAGroupLeavesEarlierGroupsUnchanged) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = diverse_case(seed, mixed_case(seed));
    RandomCase more = random_case;
    more.options.num_beams += more.options.num_beams / more.options.num_beam_groups;
    ++more.options.num_beam_groups;
    const auto few_groups = run_groups(random_case, 0);
    const auto more_groups = run_groups(more, 0);
    for (std::size_t i = 0; i < few_groups.size(); ++i) expect_equal(few_groups[i], more_groups[i]);
  }
}

// With one beam a group the outputs themselves tell what was paid.
TEST(DiverseBeam, TheDiversityScoreIsTheSumLessThePenaltiesCountedAnew) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = diverse_case(seed, plain_case(seed));
    SearchOptions& options = random_case.options;
    const bool is_hamming = seed % 2 == 0;
    options.strategy = DiverseBeam{is_hamming ? Diversity::hamming : Diversity::cumulative};
    options.num_beams = options.num_beam_groups;
    options.min_new_tokens = options.max_new_tokens;  // no group stops before the others
    const std::size_t first = options.prefix.size();
    std::vector<std::vector<TokenId>> earlier;
    for (const auto& group : run_groups(random_case, 0)) {
      const auto& ids = group.front().ids;
      double count = 0;
      double prefix_sum = 0;
      for (std::size_t i = 0; i < first; ++i) prefix_sum += group.front().token_log_probs[i];
      for (const auto& other : earlier) {
        double agreement = 0;
        for (std::size_t i = first; i < ids.size(); ++i) {
          if (other[i] != ids[i]) continue;
          count += 1 + (is_hamming ? 0 : agreement);
          ++agreement;
        }
      }
      EXPECT_NEAR(*group.front().diversity_score,
                  group.front().sum_log_prob - prefix_sum - options.diversity_penalty * count,
                  1e-4);
      earlier.push_back(ids);
    }
  }
}

TEST(DiverseBeam, EachHypothesisSaysItsGroupAndItsSumWithPenalties) {
  const RandomCase random_case = diverse_case(1, plain_case(1));
  std::set<int> groups;
  const auto hypotheses = run(random_case.model, 0, random_case.options).hypotheses;
  for (const Hypothesis& hypothesis : hypotheses) {
    ASSERT_TRUE(hypothesis.group && hypothesis.diversity_score);
    const auto length = static_cast<int>(hypothesis.ids.size() - random_case.options.prefix.size());
    EXPECT_EQ(hypothesis.score,
              final_score(random_case.options, *hypothesis.diversity_score, length));
    groups.insert(*hypothesis.group);
  }
  EXPECT_EQ(groups.size(), static_cast<std::size_t>(random_case.options.num_beam_groups));
}

TEST(DiverseBeam, AHugePenaltyKeepsSingleBeamsApartAtEveryStep) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    SearchOptions& options = random_case.options;
    options.strategy = DiverseBeam{};
    options.num_beam_groups = options.num_beams = options.num_return_sequences = 4;
    options.diversity_penalty = 1e6;
    const auto groups = run_groups(random_case, 0);
    for (std::size_t step = options.prefix.size();; ++step) {
      std::set<TokenId> tokens;
      std::size_t running = 0;
      for (const auto& group : groups) {
        const auto& ids = group.front().ids;
        if (step >= ids.size() || options.is_eos(ids[step])) continue;
        ++running;
        tokens.insert(ids[step]);
      }
      EXPECT_EQ(tokens.size(), running);
      if (running == 0) break;
    }
  }
}

}  // namespace
}  // namespace tandem::testing
