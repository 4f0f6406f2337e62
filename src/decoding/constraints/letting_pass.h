// A constraint that lets one token pass without seeing it: for a token that is no part of the
// output, such as the blank of action_rule.h.
//
// Cost: a step, one word for each 64 tokens where the mask is a bit set.
#pragma once

#include <memory>

#include <tandem/constraint.h>

namespace tandem {

// `inner` may be null: there is nothing to pass then.
std::shared_ptr<const Constraint> let_pass(TokenId token, std::shared_ptr<const Constraint> inner);

}  // namespace tandem
