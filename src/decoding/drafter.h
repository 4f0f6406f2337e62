// Drafter: guesses the tokens to come, for verify.h to check. Any guess is harmless: a wrong one
// costs a few rows of one pass, never a token of the output.
#pragma once

#include <span>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

class Drafter {
 public:
  virtual ~Drafter() = default;

  // Up to `limit` tokens that may follow `output`: the prefix and all tokens chosen so far. Each
  // call's output extends that of the call before, so a drafter sees how its last guess fared.
  // Longer drafts are cut, and so is everything from the first end token on.
  virtual std::vector<TokenId> propose(std::span<const TokenId> output, int limit) = 0;
};

}  // namespace tandem
