// Stochastic beam search: samples of whole outputs without replacement.
//
// What it does:   beam search over log-probabilities that are perturbed by Gumbel noise, drawn from
//                 the top down: the largest perturbed value among the continuations of an output is
//                 that of the output itself. What the beam holds at the end are the `num_beams`
//                 outputs with the largest perturbed log-probabilities of all outputs, which is a
//                 sample without replacement.
// When to use:    several different outputs that are still fair samples: estimates with less
//                 variance, candidates for reranking. For independent samples, sampling.
// Cost:           num_beams rows a pass and one random number for each choice of a row. Without
//                 top_k the whole row of scores is sorted at each step.
// Source:         Kool et al. 2019, arXiv 1903.06059, algorithm 1 and appendix B (the stable form).
// Differs:        the distribution is the one that Sampling draws from, with its temperature and
//                 cut-offs; the root's noise is drawn too, and not 0, so that `score` is the
//                 perturbed log-probability without condition.
// Rules:          best first by `score`, the perturbed log-probability. An output that cannot meet
//                 its constraint is left out.
// Laws:           as many beams as outputs return all of them; the first is a sample; inclusion
//                 frequencies are those of sampling without replacement
//                 (tests/decoding/stochastic_beam_test.cc).
#pragma once

#include <span>
#include <vector>

#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"
#include "decoding/warpers.h"

namespace tandem {

class StochasticBeamSearch : public Search {
 public:
  explicit StochasticBeamSearch(SearchOptions options);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // What all outputs share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

 private:
  struct Beam {
    Path path;
    double log_p = 0;      // of the output so far, in the distribution that is drawn from
    double perturbed = 0;  // log_p and its noise
    int row = 0;           // of rows_, while it runs
    bool runs = true;
  };
  // What may be in the next beam: a running output and one token more, or a finished output.
  struct Child {
    std::size_t parent = 0;
    double log_p = 0;
    double perturbed = 0;
    Candidate candidate;  // without a token: the parent itself, which is finished
  };

  void append_children(std::size_t parent, std::span<const Candidate> answer,
                       std::vector<Child>& children) const;
  Beam grow(const Child& child) const;

  const SearchOptions options_;
  const ProcessorChain chain_;
  std::vector<Beam> beams_;  // best first
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
