// Sampling: independent samples of one sentence's output.
//
// What it does:   draws each token from the model's distribution after penalties, bans and the
//                 constraint, shaped by temperature and cut-offs (warpers.h).
// When to use:    varied output; estimates over the model's distribution. For the single best
//                 output use greedy or beam search; for different outputs, stochastic beam search.
// Cost:           one row a sample and pass; the encoder runs once and all samples share the first
//                 row. Without top_k the whole row of scores is sorted at each step.
// Source:         transformers 5, generation/utils.py `_sample`.
// Rules:          processors work on logits, as there. Hypotheses come in the order in which they
//                 were drawn, so that the first is a fair sample. `score` is the sum of the model's
//                 own log-probabilities of what was generated; it is not divided by the length.
//                 A sample that cannot meet its constraint is left out.
// Laws:           frequencies match the distribution by chi-square; a seed gives the same samples
//                 in any batch (tests/decoding/sampling_test.cc, equivalence_test.cc).
#pragma once

#include <span>
#include <vector>

#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"
#include "decoding/stop_strings.h"
#include "decoding/warpers.h"

namespace tandem {

class Sampling : public Search {
 public:
  Sampling(SearchOptions options, int num_samples);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // What all samples share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

 private:
  struct Sample {
    Path path;
    int row = 0;  // of rows_, while it runs
    bool runs = true;
    FinishReason reason = FinishReason::length;  // once it does not run
  };

  void extend(int number, std::span<const Choice> choices);

  const SearchOptions options_;
  const ProcessorChain chain_;
  const StopStrings stop_strings_;
  std::vector<Sample> samples_;
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
