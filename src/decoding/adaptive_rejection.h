// Adaptive weighted rejection sampling: a token of the distribution p(x) f(x) / Z, where f says
// whether x meets a condition, and an unbiased estimate of Z = sum p(x) f(x), without testing all
// x.
//
// What it does:   draws without replacement until a token passes the test, so that no token is
//                 tested twice, and estimates Z from what was rejected on the way.
// When to use:    the test is dear and the model mostly meets the condition already.
// Cost:           few tests where the accepted mass is large; the search for a token is linear in
//                 its rank.
// Source:         Lipkin et al. 2025, arXiv 2504.05410, section 3; the two estimators and the
//                 choice between them as in genlm-control, sampler/token.py.
//   recursive     Z = q f(x) + (1 - q) Z' with the drawn x taken out: each rejection multiplies by
//                 1 - q, and after the first acceptance one more token is tested.
//   geometric     the draws are read as draws with replacement, whose repeats of rejected tokens
//   are
//                 only counted; Z is estimated from the share that was accepted.
// Laws:           tokens have the frequencies p f / Z; the mean weight is Z, and that of the draws
//                 of x is p(x) f(x), for any limits; fewer tests than tokens on peaked
//                 distributions (tests/decoding/adaptive_rejection_test.cc).
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <span>

#include "decoding/random_stream.h"

namespace tandem {

struct RejectionLimits {
  int max_accepts = 2;                                // at least 2; more: less variance, more tests
  int max_rejects = std::numeric_limits<int>::max();  // at least 2; then the weight is what it is
};

struct RejectionDraw {
  std::size_t index = 0;
  double log_weight = 0;  // log of the estimate of Z; -infinity: nothing was accepted
  int tests = 0;
};

using Accepts = std::function<bool(std::size_t index)>;

// `log_p`: log-probabilities, best first, at least one; what they lack of a sum of 1 counts as
// rejected. `accepts` is called at most once for each index.
RejectionDraw draw_recursive(std::span<const double> log_p, const Accepts& accepts,
                             RejectionLimits limits, RandomStream& random);
RejectionDraw draw_geometric(std::span<const double> log_p, const Accepts& accepts,
                             RejectionLimits limits, RandomStream& random);

// The one of the two that is expected to need fewer tests.
RejectionDraw draw_adaptive(std::span<const double> log_p, const Accepts& accepts,
                            RejectionLimits limits, RandomStream& random);

}  // namespace tandem
