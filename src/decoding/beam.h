// Beam search by the rules of Hugging Face.
//
// What it does:   keeps the `num_beams` best running outputs by their sum of log-probabilities, and
//                 the `num_beams` best finished ones by that sum over a power of their length.
// When to use:    one output a little better than greedy's, or an n-best list of near relatives.
// Cost:           num_beams rows a pass; (1 + end tokens) * num_beams candidates a row.
// Source:         transformers 5, generation/utils.py `_beam_search` and its parts; the length
//                 penalty after Wu et al. 2016, arXiv 1609.08144.
// Rules:          - Candidates: the best max(2, 1 + number of end tokens) * num_beams extensions of
//                   all running outputs; ties go to the higher-ranked output, then the lower id.
//                 - One that ends counts as finished only among the best num_beams of them. The
//                 best
//                   num_beams that do not end run on.
//                 - Finished score: sum / n^length_penalty, n = generated tokens with the end
//                 token.
//                 - At max_new_tokens all of the best num_beams candidates are finished.
//                 - Over when num_beams are finished and (`yes`) at once, or (`no`, `never`) the
//                 best
//                   running sum over a length cannot beat the worst finished score. The length is
//                   the current one, or max_new_tokens under `never` with a positive penalty.
//                 - Scores are processed log-probabilities, not renormalised unless asked.
// Differs:        transformers pads with outputs of score -1e9 when masks leave fewer candidates
//                 than beams; here there are simply fewer, and n-best lists may be shorter. Only
//                 where a forced first token leaves nothing but the end is the padding the same.
// Laws:           equals a literal transcription of the rules on dense tables (beam_test.cc);
//                 one beam equals greedy; wide beams equal exhaustive search.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "decoding/beam_group.h"
#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

class BeamSearch : public Search {
 public:
  explicit BeamSearch(SearchOptions options) : BeamSearch(std::move(options), 0) {}

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override { return rank(options_, group_.hypotheses()); }
  // What all running and finished outputs share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

 protected:
  // For searches that choose among the extensions by another rule: asks for at least
  // `least_candidates` a row.
  BeamSearch(SearchOptions options, int least_candidates);

  // Extends the group by what follows its running outputs; row i of `candidates` is for the i-th.
  virtual void extend(const Candidates& candidates);
  std::vector<Extension> all_extensions(const Candidates& candidates) const;

  const SearchOptions& options() const { return options_; }
  BeamGroup& group() { return group_; }

 private:
  void update_settled();

  const SearchOptions options_;
  BeamGroup group_;
  const ProcessorChain chain_;
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
