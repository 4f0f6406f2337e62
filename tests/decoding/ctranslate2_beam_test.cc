// CTranslate2's searches against a literal transcription of their rules on dense tables.
#include "decoding/ctranslate2_beam.h"

#include <vector>

#include <gtest/gtest.h>

#include "support/ctranslate2_oracle.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

// Any mix of what CTranslate2 can be asked. One end token, and not token 0: see "Differs" in the
// header.
RandomCase ctranslate2_case(std::uint64_t seed) {
  RandomCase random_case = plain_case(seed);
  Random random(seed ^ 0xc72);
  SearchOptions& options = random_case.options;
  options.profile = Profile::ctranslate2;
  options.eos_tokens = {3};
  options.renormalize = true;
  options.length_penalty = random.one_of({1.0, 0.0, 0.6, 2.0});
  if (random.chance(50)) options.min_new_tokens = random.number(0, options.max_new_tokens);
  if (random.chance(30)) options.repetition_penalty = random.one_of({0.8, 1.2, 1.7});
  if (random.chance(30)) options.no_repeat_ngram_size = random.number(1, 3);
  if (random.chance(20)) options.suppress_tokens = {random.number(4, 15)};
  if (random.chance(20)) options.bad_words = {{5, 6}, {7, 8, random.number(5, 9)}};
  return random_case;
}

TEST(CTranslate2Beam, FollowsCTranslate2) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = ctranslate2_case(seed);
    Random random(seed ^ 0x42);
    SearchOptions& options = random_case.options;
    options.strategy = Beam{};
    options.num_beams = random.number(1, 4);
    options.patience = random.one_of({1.0, 1.0, 2.0, 0.5});
    options.num_return_sequences = random.number(1, options.most_hypotheses());
    expect_hypotheses(run(random_case.model, 2, options),
                      CTranslate2Oracle(random_case.model, 2, options).beam_search(), 1e-6);
  }
}

TEST(CTranslate2Beam, FollowsCTranslate2AlongASoftPrefix) {
  int followed = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = ctranslate2_case(seed);
    Random random(seed ^ 0x50f7);
    SearchOptions& options = random_case.options;
    options.prefix.clear();
    for (int i = 0, length = random.number(1, 4); i < length; ++i)
      options.soft_prefix.push_back(random.number(4, 15));
    options.prefix_bias = random.one_of({0.05, 0.5, 0.9});
    options.num_beams = random.number(1, 4);
    options.strategy = options.num_beams == 1 ? Strategy(Greedy{}) : Strategy(Beam{});
    options.num_return_sequences = random.number(1, options.most_hypotheses());
    const auto expected = CTranslate2Oracle(random_case.model, 1, options).beam_search();
    expect_hypotheses(run(random_case.model, 1, options), expected, 1e-6);
    if (!expected.empty() && expected[0].ids[0] == options.soft_prefix[0]) ++followed;
  }
  EXPECT_GT(followed, 100);
}

TEST(CTranslate2Greedy, FollowsCTranslate2) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = ctranslate2_case(seed);
    expect_hypotheses(
        run(random_case.model, 1, random_case.options),
        std::vector{CTranslate2Oracle(random_case.model, 1, random_case.options).greedy()}, 1e-6);
  }
}

TEST(CTranslate2Beam, AnEndedOutputGivesItsPlaceToTheNext) {
  // Token 0 ends; after the first step the ranks are 0, 5, then 4 beyond the two beams.
  TableModel model;
  SearchOptions options;
  options.profile = Profile::ctranslate2;
  options.strategy = Beam{};
  options.renormalize = true;
  options.vocabulary_size = model.vocabulary_size;
  options.eos_tokens = {kEos};
  options.num_beams = options.num_return_sequences = 2;
  options.max_new_tokens = 4;
  options.start_token = 1;
  CTranslate2Beam search(options);
  Candidates candidates;
  candidates.clear();
  const std::vector<Candidate> best{{0, -0.5F, -0.5F}, {5, -1, -1}, {4, -2, -2}, {3, -3, -3}};
  candidates.append(best);
  candidates.end_row();
  search.advance(candidates);
  ASSERT_EQ(search.rows().size(), 2U);
  EXPECT_EQ(search.rows()[0].feed, std::vector<TokenId>{4});
  EXPECT_EQ(search.rows()[1].feed, std::vector<TokenId>{5});
  ASSERT_EQ(search.results().size(), 2U);
  EXPECT_EQ(search.results()[0].finish_reason, FinishReason::eos);
}

}  // namespace
}  // namespace tandem::testing
