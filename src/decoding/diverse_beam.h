// Diverse beam search. Vijayakumar et al. 2016, arXiv 1610.02424, algorithm 1.
//
// What it does:   splits the beams into groups; at each step the groups choose one after the other,
//                 and a token pays `diversity_penalty` for each time that it counts against a group
//                 because of the groups before it (diversity_cost.h).
// When to use:    several different outputs are wanted; for one output plain beam is better.
// Cost:           as beam search of the same size: one decoder pass a step for all groups, which
//                 only rank one after the other. A row is asked for more candidates: penalties on P
//                 tokens can promote at most P others, so num_candidates + P of them are exact.
// Rules:          transformers 4.46, `_group_beam_search`: each group is a beam search by the rules
//                 of beam.h with its own finished list, and stops by itself; results are the best
//                 of all groups together. The penalty changes the log-probability after a logits
//                 hook and before other penalties. It stays in `score`, as there; `diversity_score`
//                 is the sum that `score` divides by a power of the length, and sum_log_prob is
//                 without penalties.
// Differs:        under renormalize_logits the penalty follows the normalisation.
// Laws:           one group is beam search; without a penalty the groups are copies; the first
//                 groups do not depend on later ones; `diversity_score` is the sum of
//                 log-probabilities less the penalties counted anew (tests/decoding/diverse_beam_test.cc).
#pragma once

#include <span>
#include <vector>

#include "decoding/beam_group.h"
#include "decoding/diversity_cost.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

class DiverseBeamSearch : public Search {
 public:
  explicit DiverseBeamSearch(SearchOptions options);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // What all running and finished outputs share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

  // The hypotheses of one group, best first, at most num_return_sequences.
  std::vector<Hypothesis> group_results(std::size_t group) const;

 private:
  void start();
  std::vector<Hypothesis> hypotheses(std::size_t group) const;
  void advance_group(std::size_t group, const Candidates& candidates, const DiversityCost& cost);
  void make_rows();
  void update_settled();
  int group_width() const { return options_.num_beams / options_.num_beam_groups; }

  const SearchOptions options_;
  std::vector<BeamGroup> groups_;
  const ProcessorChain chain_;
  std::vector<Row> rows_;
  std::vector<std::size_t> first_row_;  // of each group
  SettledPrefix settled_;
};

}  // namespace tandem
