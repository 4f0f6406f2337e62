// Conditional beam search: beam search for outputs that have a property, guided by an estimate of
// whether they will have it.
//
// What it does:   ranks each candidate y by log p(y) + weight * scorer(y). If the scorer gives log
//                 p(property | y is the beginning), that is the log-probability of y among the
//                 outputs with the property, by Bayes' rule: the scorer's value is a state of the
//                 output, and only its newest value counts.
// When to use:    properties that cannot be written as a constraint and can be judged early: length
//                 classes, style, a reward model. Also an external reranker inside the search.
// Cost:           that of beam search, and one call of the scorer a step, for num_beams *
//                 max(candidates, what beam search looks at) prefixes.
// Source:         Yoshida 2024, arXiv 2408.16241, chapter on conditional beam search; Yoshida et
//                 al. 2023, arXiv 2311.08817, for why the condition matters.
// Rules:          those of beam.h, and: a finished output is ranked by sum / length^length_penalty
//                 + weight * scorer(y), where y has its end token. The estimate by which the search
//                 stops takes the newest value as it is, as if it stayed. A value of -infinity
//                 removes the candidate.
// Differs:        the scorer sees tokens, not hidden states.
// Laws:           a constant scorer is beam search; as many beams as outputs find the best of all
//                 by log p + scorer (tests/decoding/conditional_beam_test.cc).
#pragma once

#include "decoding/beam.h"

namespace tandem {

class ConditionalBeamSearch : public BeamSearch {
 public:
  ConditionalBeamSearch(SearchOptions options, ConditionalBeam condition);

 private:
  void extend(const Candidates& candidates) override;

  const ConditionalBeam condition_;
};

}  // namespace tandem
