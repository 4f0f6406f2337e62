// Utilities: how well one output agrees with another, from 0 to 1. Two outputs without symbols
// agree fully, one without and one with do not at all.
//
//   unigram_f1  of tokens: twice the shared tokens over all tokens of both.
//   bleu        of tokens, one sentence (Papineni et al. 2002): the geometric mean of the
//   precisions
//               of 1- to 4-grams, each above the first with one added to both counts (Lin and Och
//               2004), times exp(1 - reference length / hypothesis length) if that is below 1.
//   chrf        of characters without white space (Popovic 2015): F-score with beta 2 of the mean
//               precision and the mean recall of 1- to 6-grams, over the orders that both outputs
//               have. As sacreBLEU's chrF2, divided by 100.
#pragma once

#include <span>
#include <string_view>

#include <tandem/constraint.h>
#include <tandem/strategy.h>

#include "decoding/ngram_counts.h"

namespace tandem {

// Tokens for unigram_f1 and bleu.
NgramCounts count_tokens(std::span<const TokenId> tokens);
// Characters for chrf.
NgramCounts count_characters(std::string_view text);

// Both made by the function above that belongs to the utility.
double utility(Utility kind, const NgramCounts& hypothesis, const NgramCounts& reference);

}  // namespace tandem
