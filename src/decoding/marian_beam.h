// Beam search by the rules of Marian.
//
// What it does:   keeps the best running outputs by their sum of log-probabilities; the beam
//                 narrows by one with each output that ends, and nothing stops early.
// When to use:    models of Marian's own format, for the answers of their own engine.
// Cost:           at most num_beams rows a pass, fewer as outputs finish; num_beams
//                 candidates a row.
// Source:         the behaviour of marian-dev (src/translator) and of the engine in Firefox.
// Rules:          - A step keeps the best `width` extensions of the running outputs; those that end
//                   leave, and the width shrinks by their number.
//                 - Over when none runs, or at max_new_tokens, where the running ones are taken as
//                   they are, without an end token.
//                 - Final score: (sum - word_penalty * n) / n^length_penalty, n = generated tokens
//                   with the end token.
// Differs:        ties go to the higher-ranked output, then the lower id (Marian leaves them open).
// Laws:           one beam equals greedy under Marian's profile (equivalence_test.cc); equals a
//                 literal transcription on dense tables (marian_beam_test.cc).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

class MarianBeam : public Search {
 public:
  explicit MarianBeam(SearchOptions options);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override {
    return rank_beam(options_, finished_, running_);
  }
  // What all running and finished outputs share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

 private:
  const SearchOptions options_;
  const ProcessorChain chain_;
  std::size_t width_;
  std::vector<Path> running_;
  std::vector<Hypothesis> finished_;
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
