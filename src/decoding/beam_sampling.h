// Beam sampling: beam search that draws its candidates instead of taking the best.
//
// What it does:   of all extensions of the running outputs draws as many as beam search would look
//                 at, without replacement, each with the probability softmax(sum of scores); what
//                 is drawn is then ended, kept and ranked as in beam search.
// When to use:    outputs that vary with the seed and are still better than single samples. For
//                 fair samples use sampling, for fair and different ones stochastic beam search.
// Cost:           num_beams rows a pass and one random number for each choice of a row. Without
//                 top_k the whole row of scores is sorted at each step.
// Source:         transformers 5, generation/utils.py `_beam_search` with do_sample.
// Rules:          - Scores are log-probabilities after the processors, divided by the temperature
//                   and cut off (warpers.h), not normalised again; sums of them rank outputs. A
//                   cut-off leaves at least max(2, 1 + number of end tokens) choices.
//                 - The draws are in order: an end counts only among the first num_beams of them;
//                   so does every candidate at max_new_tokens.
//                 - Drawing without replacement is taking the largest of scores with Gumbel noise
//                   (Kool et al. 2019, arXiv 1903.06059, section 2).
// Differs:        where masks leave fewer extensions than are to be drawn all of them are drawn;
//                 transformers draws outputs of score -1e9 then.
// Laws:           near a temperature of 0 it is beam search; the best output has the frequencies of
//                 an enumeration of all draws (tests/decoding/beam_sampling_test.cc).
#pragma once

#include <span>
#include <vector>

#include "decoding/beam.h"

namespace tandem {

class BeamSampling : public BeamSearch {
 public:
  explicit BeamSampling(SearchOptions options);

 private:
  struct Draw {
    Extension extension;
    double perturbed = 0;  // its score and Gumbel noise
  };

  void extend(const Candidates& candidates) override;
  void append_draws(int row, std::span<const Candidate> answer, std::vector<Draw>& draws);
};

}  // namespace tandem
