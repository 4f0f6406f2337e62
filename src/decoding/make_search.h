// The one place where strategies are told apart.
#pragma once

#include <memory>

#include "decoding/search.h"
#include "decoding/search_options.h"

namespace tandem {

// Most tokens drafted a pass when the request leaves it open. On JFLEG's test corrections a cap of
// 8 gives 3.2 tokens a pass for 2.3 rows a token, a cap of 16 gives 3.4 for 3.1: the smaller one
// gets most of the gain and stays cheap where the draft is wrong.
inline constexpr int kAutomaticDraft = 8;

// The search that options.strategy and options.profile ask for.
std::unique_ptr<Search> make_search(SearchOptions options);

}  // namespace tandem
