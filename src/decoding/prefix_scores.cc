#include "decoding/prefix_scores.h"

#include <cmath>
#include <string>

#include <tandem/error.h>

#include "decoding/user_callback.h"

namespace tandem {

std::vector<double> score_prefixes(const PrefixScorer& scorer, std::span<const TokenId> source,
                                   std::span<const std::vector<TokenId>> prefixes) {
  const std::vector<double> scores =
      call_user("scores prefixes", [&] { return scorer(source, prefixes); });
  if (scores.size() != prefixes.size())
    throw Error(ErrorCode::invalid_argument,
                "the callback that scores prefixes gave " + std::to_string(scores.size()) +
                    " numbers, expected one for each of " + std::to_string(prefixes.size()));
  for (const double score : scores)
    if (std::isnan(score) || score == HUGE_VAL)
      throw Error(ErrorCode::invalid_argument, "the callback that scores prefixes gave " +
                                                   std::to_string(score) +
                                                   ", expected a finite number or -infinity");
  return scores;
}

}  // namespace tandem
