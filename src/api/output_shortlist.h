// The tokens that an output may have, where a request restricts them by its source: Marian's
// lexical shortlist, or CTranslate2's vocabulary map.
#pragma once

#include <span>
#include <vector>

#include "api/engine_state.h"

namespace tandem {

// Sorted: what may be generated for any of the sources; empty: all tokens. Throws
// Error{unsupported} if the request wants a shortlist and the model comes without one.
std::vector<TokenId> shortlist_of(const EngineState& engine, const Request& request,
                                  const std::vector<Source>& sources, const SearchOptions& options);

// Lets `tokens` be generated too; an empty shortlist lets all.
void add_to_shortlist(std::span<const TokenId> tokens, std::vector<TokenId>& shortlist);

}  // namespace tandem
