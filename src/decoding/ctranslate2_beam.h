// Beam search by the rules of CTranslate2.
//
// What it does:   keeps num_beams running outputs; one that ends is put by, and the best candidate
//                 that is left over takes its place, so that the beam stays as wide.
// When to use:    models in CTranslate2's format, for the answers and scores of that program.
// Cost:           num_beams rows a pass, 2 * num_beams candidates a row.
// Source:         OpenNMT/CTranslate2, src/decoding.cc, as a behaviour.
// Rules:          - Bans and penalties change the logits; a step's scores are their log-softmax.
//                 - A step ranks the best 2 * num_beams extensions of all running outputs. Of the
//                   first num_beams ranks those that end, or all of them at max_new_tokens, are
//                   finished; each ended one gives its place to the best running extension
//                   beyond these ranks that is not taken yet. An end beyond them is nothing.
//                 - After a forced prefix the first step finishes an end only at rank 0, and
//                   the place of one at another rank stays empty.
//                 - Over when round(num_beams * patience) are finished; with a length_penalty
//                   of 0, when rank 0 has ended once and num_return_sequences are finished.
//                 - Final score: sum / n^length_penalty, n = generated tokens with the end token
//                   and the prefix, which adds nothing to the sum.
//                 - A soft prefix (arXiv 1912.03393, section 4.2): in the step of its token t an
//                   output that is its beginning has the probabilities (1 - bias) p + bias [t],
//                   another one p. Such a row asks for all of the vocabulary.
//                 - With a coverage_penalty all finished outputs are results, which the caller
//                   ranks anew (api/coverage.h), and a length_penalty of 0 ends nothing early.
// Differs:        a place that nothing can take stays empty, where CTranslate2 lets the ended
//                 output run on. A soft prefix does not lift a ban. After a prefix CTranslate2
//                 fills it with token 0 at a score of -1e10, and where token 0 is the end counts
//                 that as finished. A constraint's mask counts as a ban, before the softmax.
// Laws:           one beam equals greedy (equivalence_test.cc); equals a literal transcription
//                 on dense tables (ctranslate2_beam_test.cc).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "decoding/extension.h"
#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

class CTranslate2Beam : public Search {
 public:
  explicit CTranslate2Beam(SearchOptions options);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override {
    return rank_beam(options_, finished_, running_);
  }
  // What all running and finished outputs share; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }

 private:
  std::vector<Extension> best_extensions(const Candidates& candidates) const;
  // The token that a soft prefix prefers behind `path`; -1: none.
  TokenId preferred(const Path& path) const;
  CandidateQuery query(const Path& path) const;
  std::vector<Candidate> biased(std::span<const Candidate> candidates, TokenId preferred) const;
  bool ends(const Extension& extension) const { return options_.is_eos(extension.candidate.token); }
  // The extensions that run on, in the order of their places; puts the finished ones by.
  std::vector<Extension> take_places(const std::vector<Extension>& extensions);
  void finish(const Extension& extension);
  bool is_over() const;

  const SearchOptions options_;
  const ProcessorChain chain_;
  const std::size_t width_;
  const std::size_t enough_;  // finished outputs
  std::vector<Path> running_;
  std::vector<Hypothesis> finished_;
  bool best_has_ended_ = false;  // rank 0, in some step
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
