// DraftLength: how many tokens Verify drafts in the next pass.
//
// What it does:   either a fixed number, or the one that promises the most tokens for the time:
//                 with the probability a that a drafted token is right, k of them give
//                 E(k) = 1 + a + ... + a^k tokens for t(k + 1), and k maximises the ratio.
//                 `a` is estimated from this sentence so far: accepted and refused drafts, older
//                 ones counting less, since an output is easy to guess in one part and hard in
//                 another. It starts from a guess as trusting as two tokens' evidence.
//                 Where no draft pays, one token is still guessed and compared, unfed, so that
//                 drafting resumes when the drafter finds its place again.
// Cost:           O(k) a pass. It changes how many passes are made, never the output.
// Source:         the ratio is that of Leviathan et al. 2023, arXiv 2211.17192, section 3.5, with
//                 the measured t(n) in place of a constant; the estimate is ours.
// Laws:           tests/decoding/draft_length_test.cc: a drafter that is always wrong costs at most
//                 a tenth more than greedy search, one that is always right keeps full drafts.
#pragma once

#include <memory>
#include <utility>

#include "decoding/pass_costs.h"

namespace tandem {

class DraftLength {
 public:
  // Always `most` tokens.
  explicit DraftLength(int most) : most_(most) {}
  // By cost. `cost_per_token`: Drafter::cost_per_token().
  DraftLength(std::shared_ptr<const PassCosts> costs, double cost_per_token)
      : costs_(std::move(costs)), cost_per_token_(cost_per_token) {}

  // Tokens to draft, from 0 to `room`, in a pass that `sentences` sentences share. The others are
  // taken to draft as much.
  int choose(int room, int sentences) const;

  // After a 0: whether to ask for a guess of one token, to be compared and not fed.
  bool wants_a_guess();

  // The first `accepted` of `drafted` tokens were right, and the next one, if any, was not.
  void observe(int drafted, int accepted);

 private:
  int most_ = 0;
  std::shared_ptr<const PassCosts> costs_;  // null: fixed
  double cost_per_token_ = 0;
  double right_ = 2;     // weighted counts; their ratio at the start is what copying
  double wrong_ = 0.25;  // corrections and summaries reach
  int passes_without_ = 0;
};

}  // namespace tandem
