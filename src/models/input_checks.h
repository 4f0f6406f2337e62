// What a caller's token ids must be before they reach a table of embeddings or of positions.
#pragma once

#include <cstdint>

#include <tandem/constraint.h>

namespace tandem {

// Throws Error{invalid_argument} unless lowest <= token < vocabulary; `side` names the text.
void check_token(TokenId token, TokenId lowest, std::int64_t vocabulary, const char* side);

// Throws Error{invalid_argument} if there are not `needed` positions; `available` 0: any number.
void check_positions(std::int64_t needed, std::int64_t available, const char* side);

}  // namespace tandem
