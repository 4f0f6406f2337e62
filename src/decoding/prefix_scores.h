// What a caller's PrefixScorer says of beginnings of outputs, checked.
#pragma once

#include <span>
#include <vector>

#include <tandem/strategy.h>

namespace tandem {

// One number for each of `prefixes`; -infinity is allowed. Throws Error{invalid_argument} for
// another count, NaN or +infinity, and for whatever the scorer throws (user_callback.h).
std::vector<double> score_prefixes(const PrefixScorer& scorer, std::span<const TokenId> source,
                                   std::span<const std::vector<TokenId>> prefixes);

}  // namespace tandem
