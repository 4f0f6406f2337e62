// RowRule: how the whole rows of several sentences of decoders become one row of probabilities. One
// file a rule: weighted_mean.h, geometric_mean.h, copy_rule.h, action_rule.h. MixtureDecoder asks
// for the rows, and answers any search from what the rule makes of them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/candidate.h"
#include "decoding/search.h"

namespace tandem {

class RowRule {
 public:
  virtual ~RowRule() = default;

  // True if a token's probability depends on tokens that the mask of a query leaves out: then rows
  // are asked for whole, also under a mask that lists a few tokens.
  virtual bool needs_all_tokens() const { return false; }

  // True if the parts' cross-attention is needed.
  virtual bool needs_attention() const { return false; }

  // True if the decoder's last state is needed. There is one part then.
  virtual bool needs_hidden() const { return false; }

  // Called once a step, before the parts run, with the rows that they get. What is fed may be
  // changed; the search does not see it.
  virtual void begin_step(std::span<Row> rows) { static_cast<void>(rows); }

  // Writes the log-probability of each token of `mixed` after fed token `fed` of row `row`. Each of
  // `parts` has the same tokens there, in the same order.
  virtual void mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
                   std::vector<Candidate>& mixed) = 0;
};

}  // namespace tandem
