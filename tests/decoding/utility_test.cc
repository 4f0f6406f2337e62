// Utilities against values worked out by hand.
#include "decoding/utility.h"

#include <cmath>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

double of_tokens(Utility kind, const Tokens& hypothesis, const Tokens& reference) {
  return utility(kind, count_tokens(hypothesis), count_tokens(reference));
}
double of_texts(std::string_view hypothesis, std::string_view reference) {
  return utility(Utility::chrf, count_characters(hypothesis), count_characters(reference));
}

TEST(Utility, UnigramF1CountsSharedTokensAsOftenAsTheyOccurInBoth) {
  EXPECT_DOUBLE_EQ(of_tokens(Utility::unigram_f1, {1, 2, 3}, {3, 1, 4, 5}), 2.0 * 2 / 7);
  EXPECT_DOUBLE_EQ(of_tokens(Utility::unigram_f1, {1, 1, 1}, {1, 1, 2}), 2.0 * 2 / 6);
  EXPECT_DOUBLE_EQ(of_tokens(Utility::unigram_f1, {1, 2}, {3}), 0);
}

TEST(Utility, BleuIsTheGeometricMeanOfSmoothedPrecisionsWithABrevityPenalty) {
  // 1-grams 3 of 4, 2-grams (1 + 1) of (3 + 1), 3-grams (0 + 1) of (2 + 1), 4-grams (0 + 1) of 2.
  const double precision = 3.0 / 4 * 2 / 4 * 1 / 3 * 1 / 2;
  EXPECT_NEAR(of_tokens(Utility::bleu, {1, 2, 3, 4}, {1, 2, 5, 4}), std::pow(precision, 0.25),
              1e-12);
  // Two of two, one pair of one, and no longer n-grams; the reference has 4 tokens.
  EXPECT_NEAR(of_tokens(Utility::bleu, {1, 2}, {1, 2, 3, 4}), std::exp(1 - 4.0 / 2), 1e-12);
  EXPECT_DOUBLE_EQ(of_tokens(Utility::bleu, {1, 2}, {3, 4}), 0);
  // A repeated token is clipped: 1-grams 1 of 3, 2-grams 1 of 3, 3-grams 1 of 2, 4-grams 1 of 1.
  EXPECT_NEAR(of_tokens(Utility::bleu, {7, 7, 7}, {7, 8}), std::pow(1.0 / 3 * 1 / 3 * 1 / 2, 0.25),
              1e-12);
}

TEST(Utility, ChrfIsTheFScoreOfMeanPrecisionAndMeanRecall) {
  // "abc" and "abd": 1-grams 2 of 3, 2-grams 1 of 2, 3-grams 0 of 1, both ways.
  EXPECT_NEAR(of_texts("abc", "abd"), (2.0 / 3 + 1.0 / 2) / 3, 1e-12);
  // "ab" and "abcd": precision 2/2, 1/1; recall 2/4, 1/3; orders 1 and 2.
  const double recall = (2.0 / 4 + 1.0 / 3) / 2;
  EXPECT_NEAR(of_texts("ab", "abcd"), 5 * recall / (4 + recall), 1e-12);
  EXPECT_DOUBLE_EQ(of_texts("abc", "xyz"), 0);
}

TEST(Utility, ChrfCountsCharactersAndNoWhiteSpace) {
  EXPECT_DOUBLE_EQ(of_texts(" a\tb c\n", "abc"), 1);
  EXPECT_DOUBLE_EQ(of_texts("a\u00A0b\u3000c", "abc"), 1);
  // Two characters of which one is shared; no pair is.
  EXPECT_DOUBLE_EQ(of_texts("\u00E4\u00F6", "\u00E4\u00FC"), (1.0 / 2 + 0) / 2);
}

TEST(Utility, IsOneForEqualsAndZeroForNothing) {
  for (const Utility kind : {Utility::unigram_f1, Utility::bleu}) {
    for (const Tokens& tokens :
         {Tokens{5}, Tokens{5, 6}, Tokens{1, 1, 1}, Tokens{1, 2, 3, 4, 5, 6}})
      EXPECT_DOUBLE_EQ(of_tokens(kind, tokens, tokens), 1);
    EXPECT_EQ(of_tokens(kind, {}, {}), 1);
    EXPECT_EQ(of_tokens(kind, {1}, {}), 0);
    EXPECT_EQ(of_tokens(kind, {}, {1}), 0);
  }
  EXPECT_DOUBLE_EQ(of_texts("a long enough text", "a long enough text"), 1);
  EXPECT_EQ(of_texts(" ", ""), 1);
  EXPECT_EQ(of_texts("a", " "), 0);
}

}  // namespace
}  // namespace tandem::testing
