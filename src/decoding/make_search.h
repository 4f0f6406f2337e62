// The one place where strategies are told apart.
#pragma once

#include <memory>

#include "decoding/search.h"
#include "decoding/search_options.h"

namespace tandem {

// Most tokens drafted a pass when the request leaves it open. A pass over 9 rows costs little more
// than one over 1 row while reading the weights dominates, and on corrected text a longer draft is
// seldom accepted whole; see docs/performance.md for the measured cost of a row.
inline constexpr int kAutomaticDraft = 8;

// The search that options.strategy and options.profile ask for.
std::unique_ptr<Search> make_search(SearchOptions options);

}  // namespace tandem
