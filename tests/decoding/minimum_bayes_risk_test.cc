// Minimum Bayes risk against its definition.
#include "decoding/minimum_bayes_risk.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/utility.h"
#include "support/random_case.h"
#include "support/run_search.h"
#include "support/word_tokenizer.h"

namespace tandem::testing {
namespace {

NgramCounts prepare(Utility kind, const Tokenizer& tokenizer, const SearchOptions& options,
                    std::vector<TokenId> ids) {
  if (options.is_eos(ids.back())) ids.pop_back();
  return kind == Utility::chrf ? count_characters(tokenizer.decode(ids)) : count_tokens(ids);
}

TEST(MinimumBayesRisk, ReturnsTheSampleThatAgreesBestWithAllOthers) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    for (const Utility kind : {Utility::chrf, Utility::unigram_f1, Utility::bleu}) {
      SCOPED_TRACE(seed);
      RandomCase random_case = plain_case(seed);
      SearchOptions& options = random_case.options;
      options.prefix.clear();
      options.seed = seed;
      std::vector<std::string> words;
      for (TokenId id = 0; id < options.vocabulary_size; ++id)
        words.push_back(std::string(1, static_cast<char>('a' + id % 5)) + "x ");
      const WordTokenizer tokenizer(words);
      options.tokenizer = &tokenizer;

      options.strategy = Sample{};
      options.num_return_sequences = 6;
      const auto samples = run(random_case.model, 0, options).hypotheses;
      options.strategy = MinimumBayesRisk{.samples = 6, .utility = kind};
      options.num_return_sequences = 1;
      const auto chosen = run(random_case.model, 0, options).hypotheses;

      std::size_t best = 0;
      std::vector<double> expected;
      for (std::size_t i = 0; i < samples.size(); ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < samples.size(); ++j)
          if (i != j)
            sum += utility(kind, prepare(kind, tokenizer, options, samples[i].ids),
                           prepare(kind, tokenizer, options, samples[j].ids));
        expected.push_back(sum / 5);
        if (expected[i] > expected[best]) best = i;
      }
      ASSERT_EQ(chosen.size(), 1U);
      EXPECT_EQ(chosen[0].ids, samples[best].ids);
      ASSERT_TRUE(chosen[0].expected_utility.has_value());
      EXPECT_NEAR(*chosen[0].expected_utility, expected[best], 1e-12);
      EXPECT_EQ(chosen[0].score, *chosen[0].expected_utility);
    }
  }
}

TEST(MinimumBayesRisk, ReturnsAsManyAsAreAskedForInOrder) {
  RandomCase random_case = plain_case(2);
  random_case.options.strategy = MinimumBayesRisk{.samples = 8, .utility = Utility::bleu};
  random_case.options.num_return_sequences = 8;
  const auto all = run(random_case.model, 0, random_case.options).hypotheses;
  ASSERT_EQ(all.size(), 8U);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_GE(all[i - 1].score, all[i].score);
}

TEST(MinimumBayesRisk, WithoutAnySampleThatMeetsTheConstraintItIsUnsatisfied) {
  RandomCase random_case = plain_case(2);
  random_case.options.prefix.clear();
  random_case.options.max_new_tokens = 2;
  random_case.options.strategy = MinimumBayesRisk{.samples = 4, .utility = Utility::bleu};
  random_case.options.constraint = make_trie_constraint({{4, 5, 6, 7}});
  const auto none = run(random_case.model, 0, random_case.options).hypotheses;
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none[0].finish_reason, FinishReason::constraint_unsatisfied);
}

}  // namespace
}  // namespace tandem::testing
