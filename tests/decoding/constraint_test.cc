// Constrained means constrained: no output violates its constraint, in any strategy; and nothing
// else about the search changes.
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/constraint.h>
#include <tandem/error.h>

#include "decoding/path.h"
#include "support/all_strategies.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Sequences = std::vector<std::vector<TokenId>>;

// The output as the constraint sees it: without the end token.
std::vector<TokenId> text_of(const SearchOptions& options, const Hypothesis& hypothesis) {
  std::vector<TokenId> ids = hypothesis.ids;
  if (!ids.empty() && options.is_eos(ids.back())) ids.pop_back();
  return ids;
}

bool contains(const std::vector<TokenId>& text, const std::vector<TokenId>& phrase) {
  return std::search(text.begin(), text.end(), phrase.begin(), phrase.end()) != text.end();
}

SearchOptions small_options(const RandomCase& random_case) {
  SearchOptions options = random_case.options;
  options.prefix.clear();
  options.eos_tokens = {kEos};
  options.max_new_tokens = 8;
  return options;
}

Sequences random_sequences(std::uint64_t seed, TokenId vocabulary_size) {
  Random random(seed ^ 0x5151);
  Sequences sequences;
  for (int i = random.number(1, 9); i > 0; --i) {
    sequences.push_back(random.tokens(0, 4, std::min<TokenId>(vocabulary_size, 6)));
    for (TokenId& token : sequences.back()) token = 1 + token % 5;  // no end token inside
  }
  return sequences;
}

TEST(Trie, EveryOutputOfEveryStrategyIsAMember) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    const Sequences sequences = random_sequences(seed, random_case.options.vocabulary_size);
    SearchOptions options = small_options(random_case);
    options.constraint = make_trie_constraint(sequences);
    for (const SearchOptions& each : all_strategies(options)) {
      const RunResult result = run(random_case.model, 0, each);
      for (const Hypothesis& hypothesis : result.hypotheses) {
        EXPECT_EQ(hypothesis.finish_reason, FinishReason::eos);
        EXPECT_THAT(sequences, ::testing::Contains(text_of(each, hypothesis)));
      }
    }
  }
}

TEST(Trie, AsManyBeamsAsMembersRankThemByTheirProbability) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    Sequences sequences = random_sequences(seed, random_case.options.vocabulary_size);
    std::sort(sequences.begin(), sequences.end());
    sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
    SearchOptions options = small_options(random_case);
    options.constraint = make_trie_constraint(sequences);
    options.strategy = Beam{};
    options.num_beams = options.num_return_sequences = static_cast<int>(sequences.size());
    options.early_stopping = EarlyStopping::never;
    const RunResult result = run(random_case.model, 0, options);

    std::vector<double> scores;
    for (const auto& sequence : sequences) {
      std::vector<TokenId> history{options.start_token};
      std::vector<TokenId> target = sequence;
      target.push_back(kEos);
      double sum = 0;
      for (const TokenId token : target) {
        const auto log_probs = log_softmax(random_case.model.logits(0, history));
        sum += log_probs[static_cast<std::size_t>(token)];
        history.push_back(token);
      }
      scores.push_back(final_score(options, sum, static_cast<int>(target.size())));
    }
    std::sort(scores.rbegin(), scores.rend());
    ASSERT_EQ(result.hypotheses.size(), sequences.size());
    for (std::size_t i = 0; i < scores.size(); ++i)
      EXPECT_NEAR(result.hypotheses[i].score, scores[i], 1e-5);
  }
}

TEST(Trie, ACertainContinuationIsFedInOnePass) {
  const RandomCase random_case = plain_case(1);
  SearchOptions options = small_options(random_case);
  options.constraint = make_trie_constraint({{4, 5, 6, 7, 8}});
  const RunResult result = run(random_case.model, 0, options);
  EXPECT_EQ(result.best().ids, (std::vector<TokenId>{4, 5, 6, 7, 8, kEos}));
  EXPECT_EQ(result.stats.decoder_passes, 1);
}

TEST(Trie, WithoutAMemberThatFitsTheLimitThereIsNoOutput) {
  const RandomCase random_case = plain_case(1);
  SearchOptions options = small_options(random_case);
  options.max_new_tokens = 3;
  options.constraint = make_trie_constraint({{4, 5, 6, 7, 8}, {5, 4, 6, 7}});
  for (const SearchOptions& each : all_strategies(options)) {
    const RunResult result = run(random_case.model, 0, each);
    ASSERT_EQ(result.hypotheses.size(), 1U);
    EXPECT_EQ(result.best().finish_reason, FinishReason::constraint_unsatisfied);
    EXPECT_TRUE(result.best().ids.empty());
  }
}

TEST(Trie, APrefixOutsideLeavesNoOutputAndNeedsNoPass) {
  const RandomCase random_case = plain_case(1);
  SearchOptions options = small_options(random_case);
  options.prefix = {9};
  options.constraint = make_trie_constraint({{4, 5}});
  for (const SearchOptions& each : all_strategies(options)) {
    const RunResult result = run(random_case.model, 0, each);
    EXPECT_EQ(result.best().finish_reason, FinishReason::constraint_unsatisfied);
    EXPECT_EQ(result.stats.decoder_passes, 0);
  }
}

// transformers' golden cases of NLLB, M2M100, mBART and BART with a forced first token.
TEST(Trie, AForcedFirstTokenIsPartOfTheSequencesOrIsFollowedByTheEnd) {
  const RandomCase random_case = plain_case(1);
  SearchOptions options = small_options(random_case);
  options.forced_bos_token = 10;
  const Sequences members{{10, 4, 5}, {10, 6}, {4, 5}};
  options.constraint = make_trie_constraint(members);
  for (const SearchOptions& each : all_strategies(options))
    for (const Hypothesis& hypothesis : run(random_case.model, 0, each).hypotheses)
      EXPECT_THAT(members, ::testing::Contains(text_of(each, hypothesis)));

  options.constraint = make_trie_constraint({{4, 5}, {6}});
  for (const SearchOptions& each : all_strategies(options))
    for (const Hypothesis& hypothesis : run(random_case.model, 0, each).hypotheses)
      EXPECT_EQ(text_of(each, hypothesis), Sequences::value_type{10});
}

// transformers runs as many copies of a forced first token as there are beams, all but the first
// with a sum of -1e9.
TEST(Trie, AForcedFirstTokenLeavesAFullListBehindTheOnlyOutput) {
  const RandomCase random_case = plain_case(1);
  SearchOptions options = small_options(random_case);
  options.forced_bos_token = 10;
  options.constraint = make_trie_constraint({{4, 5}});
  options.strategy = Beam{};
  options.num_beams = options.num_return_sequences = 3;
  options.length_penalty = 1.0;
  const auto hypotheses = run(random_case.model, 0, options).hypotheses;
  ASSERT_EQ(hypotheses.size(), 3U);
  EXPECT_GT(hypotheses[0].score, -1e3);
  EXPECT_NEAR(hypotheses[1].score, -5e8, 1e3);
  EXPECT_NEAR(hypotheses[2].score, -5e8, 1e3);
  EXPECT_EQ(hypotheses[2].ids, hypotheses[0].ids);
}

TEST(Trie, WithoutSequencesIsAnError) {
  EXPECT_THROW(make_trie_constraint({}), Error);
}

TEST(BannedPhrases, NoOutputHoldsOneAndTheRestIsUnchanged) {
  int changed = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    SearchOptions options = small_options(random_case);
    const std::vector<TokenId> likely = run(random_case.model, 0, options).best().ids;
    const Sequences banned{{4}, {likely.begin(), likely.begin() + (likely.size() > 1 ? 2 : 1)}};
    if (contains(banned[1], {kEos})) continue;  // the end is no part of the text
    for (SearchOptions each : all_strategies(options)) {
      const RunResult free = run(random_case.model, 0, each);
      each.constraint = make_banned_phrases_constraint(banned, each.vocabulary_size);
      const RunResult constrained = run(random_case.model, 0, each);
      for (const Hypothesis& hypothesis : constrained.hypotheses)
        for (const auto& phrase : banned) EXPECT_FALSE(contains(hypothesis.ids, phrase));
      changed += free.best().ids != constrained.best().ids ? 1 : 0;
      each.constraint = make_banned_phrases_constraint({}, each.vocabulary_size);
      expect_same(free, run(random_case.model, 0, each));
    }
  }
  EXPECT_GT(changed, 300);
}

TEST(BannedPhrases, MeanTheSameAsBadWords) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    const Sequences words{{4}, {5, 6}, {6, 5}, {7, 8, 9}, {8, 8}};
    for (SearchOptions each : all_strategies(small_options(random_case))) {
      SearchOptions with_words = each;
      with_words.bad_words = words;
      each.constraint = make_banned_phrases_constraint(words, each.vocabulary_size);
      expect_same(run(random_case.model, 0, each), run(random_case.model, 0, with_words));
    }
  }
}

TEST(BannedPhrases, AnEmptyPhraseOrAnUnknownTokenIsAnError) {
  EXPECT_THROW(make_banned_phrases_constraint({{}}, 10), Error);
  EXPECT_THROW(make_banned_phrases_constraint({{3, 10}}, 10), Error);
  EXPECT_THROW(make_banned_phrases_constraint({{-1}}, 10), Error);
}

TEST(Phrases, EveryOutputOfEveryStrategyHoldsThem) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    SearchOptions options = small_options(random_case);
    const std::vector<Sequences> phrases{{{4, 5}, {6}}, {{7, 8, 7}}, {{8}}};
    options.constraint = make_phrases_constraint(phrases, options.max_new_tokens - 1);
    for (const SearchOptions& each : all_strategies(options)) {
      for (const Hypothesis& hypothesis : run(random_case.model, 0, each).hypotheses) {
        EXPECT_NE(hypothesis.finish_reason, FinishReason::constraint_unsatisfied);
        for (const Sequences& alternatives : phrases) {
          EXPECT_TRUE(
              std::any_of(alternatives.begin(), alternatives.end(),
                          [&](const auto& phrase) { return contains(hypothesis.ids, phrase); }));
        }
      }
    }
  }
}

TEST(Phrases, ThatCannotFitAreUnsatisfiable) {
  const auto code = [](const std::vector<Sequences>& phrases, int max_tokens) {
    try {
      make_phrases_constraint(phrases, max_tokens);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code({{{4, 5}}, {{6}}}, 2), ErrorCode::unsatisfiable);
  EXPECT_EQ(code({{{4, 5}, {}}}, 5), ErrorCode::invalid_argument);
  EXPECT_EQ(code({{}}, 5), ErrorCode::invalid_argument);
}

TEST(Intersection, AllPartsHold) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    SearchOptions options = small_options(random_case);
    const TokenId vocabulary_size = options.vocabulary_size;
    options.constraint = make_intersection_constraint(
        {make_banned_phrases_constraint({{4}, {5, 6}}, vocabulary_size),
         make_trie_constraint({{4}, {5, 6}, {5, 7}, {6, 4}, {8, 9}, {5, 5, 6}}),
         make_banned_phrases_constraint({{9}}, vocabulary_size)});
    for (const SearchOptions& each : all_strategies(options)) {
      for (const Hypothesis& hypothesis : run(random_case.model, 0, each).hypotheses) {
        // A strategy may run into a dead end, such as 5 5; it must not answer anything else.
        if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
        EXPECT_EQ(text_of(each, hypothesis), (std::vector<TokenId>{5, 7}));
      }
    }
  }
}

// Law A15.
TEST(Constraint, DraftsDoNotChangeAConstrainedOutput) {
  int drafted = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    options.prefix.clear();
    options.max_new_tokens = 10;
    options.source = run(random_case.model, 0, options).best().ids;
    const std::vector<std::shared_ptr<const Constraint>> constraints{
        make_banned_phrases_constraint({{5, 6}, {7}}, options.vocabulary_size),
        make_phrases_constraint({{{9, 4}}}, 7),
        make_trie_constraint({{9, 4, 5}, {9, 4, 6, 8}, {4}, {8, 9, 9, 9}})};
    for (const auto& constraint : constraints) {
      options.constraint = constraint;
      drafted += expect_drafts_change_nothing(random_case.model, options) ? 1 : 0;
    }
  }
  EXPECT_GT(drafted, 100);
}

}  // namespace
}  // namespace tandem::testing
