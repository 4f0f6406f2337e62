// Contrastive search: tokens that the model finds probable and that do not repeat what was said.
//
// What it does:   at each step runs the `top_k` most probable tokens through the decoder and takes
//                 the one with the highest
//                     (1 - alpha) * p(v) - alpha * max over earlier positions of cos(h_v, h_j),
//                 where h are the states from which the decoder's scores come.
// When to use:    long, open-ended output where greedy and beam search repeat themselves and
//                 samples drift. For translation and correction greedy or beam search.
// Cost:           top_k rows a pass, one pass more than tokens; the states come to the host, and
//                 O(length) products of states for each candidate.
// Source:         Su et al. 2022, arXiv 2202.06417, section 4; transformers 4,
//                 generation/utils.py `_contrastive_search`, for what counts as earlier: the start
//                 token, the prefix and the output, not the source.
// Rules:          p is that of the processed scores, normalised: bans and penalties apply before.
//                 Ties go to the more probable token. `score` is that of greedy
//                 search: the model's own log-probabilities over a power of the length.
// Laws:           alpha 0 and top_k 1 are greedy; equals a literal transcription over whole rows
//                 (tests/decoding/contrastive_test.cc).
#pragma once

#include <span>
#include <vector>

#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/stop_strings.h"

namespace tandem {

class ContrastiveSearch : public Search {
 public:
  ContrastiveSearch(SearchOptions options, Contrastive contrast);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // Every token as soon as it is chosen; under a constraint nothing before the end.
  std::span<const TokenId> settled() const override;

 private:
  // A token that may come next, while it is tried.
  struct Trial {
    Path path;
    double log_p = 0;  // of the processed distribution
  };

  std::size_t choose(const Candidates& candidates) const;
  double similarity(std::span<const float> state) const;
  void remember(std::span<const float> state);
  void try_next(int parent, std::span<const Candidate> answer);
  void finish(FinishReason reason);

  const SearchOptions options_;
  const Contrastive contrast_;
  const ProcessorChain chain_;
  const StopStrings stop_strings_;
  Path path_;
  std::vector<Trial> trials_;               // one a row, after the first step
  std::vector<std::vector<float>> states_;  // of the positions so far, of length 1
  std::vector<Row> rows_;
  bool finished_ = false;
  FinishReason reason_ = FinishReason::length;
};

}  // namespace tandem
