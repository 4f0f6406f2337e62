// Verify: greedy decoding that checks several drafted tokens in one decoder pass.
//
// What it does:   feeds the last token and a draft; accepts the draft as far as it is what greedy
//                 search would have chosen, then adds the model's own next token. Without a drafter
//                 this is greedy search itself, and it is the only implementation of it.
// When to use:    greedy output, faster wherever the output can be guessed: correction, copying,
//                 closed labels, text that repeats its source.
// Cost:           one pass for each run of accepted tokens, with 1 + draft rows; never more passes
//                 than greedy.
// Source:         Sun et al. 2021, arXiv 2106.04970 (aggressive decoding); Ge et al. 2022, arXiv
//                 2205.10350; Stern et al. 2018, arXiv 1811.03115 (the verification).
// Differs from the papers: penalties, bans and constraints are applied to each drafted position as
//                 if its tokens had come one by one; a draft never passes the length limit; a
//                 constraint's forced run is drafted first (jump forward).
// Relaxed:        after Ge et al. 2022: a drafted token is also accepted, and kept, if it
//                 is among the `top_beta` best of its position and its score within `tau` of the
//                 best one's. The output then depends on the drafts: it is not greedy's, but no
//                 token is ever far from the model's choice. An accepted end token ends it.
// Rejection:      the output is a sample, token for token the one that Sampling draws with the same
//                 seed: each position is drawn from its warped distribution p, and a draft is right
//                 as far as it was drawn. A drafted token is so accepted with probability p(token)
//                 and replaced by a draw from p without it otherwise, which is speculative sampling
//                 (Leviathan et al. 2023, arXiv 2211.17192) for drafts that are certain. `score`
//                 is that of Sampling.
// Rules:          huggingface: the best processed logit, the end token or max_new_tokens ends.
//                 marian: the best log-probability. `score` is final_score of the model's own
//                 log-probabilities; ctranslate2: of those after bans and penalties.
// Laws:           output == greedy for any draft, and for relaxed verification with a top_beta of 1
//                 or a tau of 0; passes <= greedy passes (tests/decoding/verify_test.cc). Rejection
//                 equals Sampling for any draft, and its tokens have the target distribution
//                 (speculative_sampling_test.cc).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "decoding/draft_length.h"
#include "decoding/drafter.h"
#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/stop_strings.h"

namespace tandem {

// Which drafted tokens are accepted.
struct Acceptance {
  Verification rule = Verification::exact;
  int top_beta = 1;  // relaxed
  double tau = 0;    // relaxed
};

class Verify : public Search {
 public:
  // Greedy search.
  explicit Verify(SearchOptions options) : Verify(std::move(options), nullptr, DraftLength(0)) {}
  Verify(SearchOptions options, std::unique_ptr<Drafter> drafter, DraftLength length,
         Acceptance acceptance = {});

  // Drafts. Throws what the drafter throws.
  void prepare(int sentences) override;
  std::span<const Row> rows() const override { return {rows_.data(), finished_ ? 0U : 1U}; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // Everything so far; nothing while a constraint may still turn out to be unsatisfiable.
  std::span<const TokenId> settled() const override;
  Stats stats() const override { return stats_; }

 private:
  void begin(Row row);
  void guess(int room, int sentences);
  void cut_draft(int limit);
  void feed_draft();
  Candidate choose(std::span<const Candidate> answer, std::size_t i) const;
  void accept(const Candidates& candidates);
  void take(const Candidate& chosen);
  void finish(FinishReason reason);

  const SearchOptions options_;
  const Acceptance acceptance_;
  const ProcessorChain chain_;
  const StopStrings stop_strings_;
  const std::unique_ptr<Drafter> drafter_;
  DraftLength length_;

  Path path_;
  std::vector<Row> rows_{1};
  std::size_t first_query_ = 0;  // of rows_[0]: asks what follows the last known token
  bool prepared_ = false;        // rows_[0] holds the draft
  std::vector<TokenId> draft_;   // to be verified in this pass
  std::size_t guessed_ = 0;      // tokens that the drafter was asked for in this pass
  TokenId unfed_ = -1;           // its guess of one token, where no draft pays
  bool finished_ = false;
  FinishReason reason_ = FinishReason::length;
  Stats stats_;
};

}  // namespace tandem
