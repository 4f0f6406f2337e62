// Drafter: guesses the tokens to come, for verify.h to check. Any guess is harmless: a wrong one
// costs a few rows of one pass, never a token of the output.
//
// A draft is asked for as a block, so one interface serves drafters that copy, that guess token by
// token, and that propose a whole block at once, such as the non-autoregressive one of Xia et al.
// 2023, arXiv 2203.16487 (from outside: drafters/callback.h).
#pragma once

#include <span>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

class Drafter {
 public:
  virtual ~Drafter() = default;

  // Up to `limit` tokens, at least 1, that may follow `output`: the prefix and all tokens chosen so
  // far. Each call's output extends that of the call before, so a drafter sees how its last guess
  // fared. Longer drafts are cut, and so is what follows the first end token or unknown id.
  // An Error that it throws ends the request with that error.
  virtual std::vector<TokenId> propose(std::span<const TokenId> output, int limit) = 0;

  // Time to draft one token, as a part of a decoder pass over one row.
  virtual double cost_per_token() const { return 0; }
};

}  // namespace tandem
