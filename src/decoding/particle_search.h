// Sequential Monte Carlo: weighted samples of the model's distribution under a constraint.
//
// What it does:   grows `particles` outputs together. A particle's weight is an unbiased estimate
//                 of how much of the model's mass the constraint has left along its way; when the
//                 weights have become too uneven (effective sample size below ess_threshold *
//                 particles), particles are drawn anew by weight.
// When to use:    the constrained distribution itself is wanted: sampling token by token under a
//                 mask prefers outputs that the constraint leaves little choice at every step.
// Cost:           one row a particle that has not ended, and pass; the encoder runs once.
// Source:         Lew et al. 2023, arXiv 2306.03081 (language models); Loula et al. 2025, arXiv
//                 2504.13139 (constraints); Lipkin et al. 2025, arXiv 2504.05410 (awrs).
// Rules:          - The target is p(y) for outputs y of at most max_new_tokens tokens that meet the
//                   constraint, end with an end token and hold no banned token; p is the model's
//                   own, changed by the penalties that the request asks for. Temperature and
//                   cut-offs have no part in it.
//                 - Resampling is over all particles, those that have ended included.
//                 - Hypotheses are the distinct outputs with their shares of the weight (`weight`),
//                   the heaviest first; `score` is the logarithm of that.
// Laws:           the mean of the evidence over runs is the mass of all outputs that meet the
//                 constraint, and weighted frequencies are the constrained probabilities, with and
//                 without resampling, for both proposals (tests/decoding/particle_search_test.cc).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"

namespace tandem {

class ParticleSearch : public Search {
 public:
  explicit ParticleSearch(SearchOptions options);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // Nothing: until the end any output may lose its weight.
  std::span<const TokenId> settled() const override { return {}; }
  // Log of the mean weight.
  std::optional<double> log_evidence() const override;

 private:
  struct Particle {
    Path path;
    double log_weight = 0;
    int row = 0;  // of rows_, while it runs
    bool runs = true;
  };
  struct Proposed {
    Candidate candidate;
    double log_weight = 0;  // -infinity: none
  };

  CandidateQuery query(const Path& path) const;
  void extend(std::size_t number, std::span<const Candidate> answer);
  Proposed propose(std::size_t number, std::span<const Candidate> answer) const;
  void resample_if_due(int step);
  std::vector<double> log_weights() const;

  const SearchOptions options_;
  const SequentialMonteCarlo settings_;
  // Whether the scores that are asked for are those of the allowed tokens alone. Not where tokens
  // are to be tested one by one, or where scores are normalised, which must not see the constraint.
  const bool masks_rows_;
  const ProcessorChain chain_;
  std::vector<Particle> particles_;
  std::vector<Row> rows_;
};

}  // namespace tandem
