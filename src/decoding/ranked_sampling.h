// Ranked sampling: grows outputs by sampled pieces and keeps those that a scorer likes best.
//
// What it does:   continues each of `beams` outputs by `samples` samples of `piece` tokens, hands
//                 all of them to the scorer and keeps the best `beams`; outputs that have ended
//                 take part as they are. Until all that are kept have ended.
// When to use:    a ranker that judges texts better than the model's probability does, for outputs
//                 that are too long to sample whole. One beam and a piece as long as the output is
//                 sampling followed by reranking.
// Cost:           beams * samples rows a pass; the scorer is called once a piece, for all of them.
// Source:         RankGen, Krishna et al. 2022, arXiv 2205.09726, section 3 (beam search over
//                 generations).
// Rules:          the scorer's value replaces the model's probability, and is `score`; equals stay
//                 in the order in which they were drawn. A sample that cannot meet its constraint
//                 is left out. Temperature and cut-offs are those of sampling.h.
// Laws:           a constant scorer is the first sample of sampling with the same seed; with one
//                 piece it is sampling and reranking (tests/decoding/ranked_sampling_test.cc).
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

class RankedSamplingSearch : public Search {
 public:
  RankedSamplingSearch(SearchOptions options, RankedSampling ranking);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // What all outputs share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

 private:
  struct Sample {
    Path path;
    int number = 0;  // of its random numbers in this piece
    int row = 0;     // of rows_, while it runs
    bool runs = true;
    double score = 0;  // by the scorer, when it was last asked
  };

  bool append_token(Sample& sample, std::span<const Choice> choices);
  void append_tokens(const Candidates& candidates);
  void keep_best();
  void branch();

  const SearchOptions options_;
  const RankedSampling ranking_;
  const ProcessorChain chain_;
  std::vector<Sample> samples_;
  int piece_length_ = 0;  // tokens of the current piece
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
