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
// if
//                 its tokens had come one by one; drafts never hold an end token or pass the length
//                 limit; a constraint's forced run is drafted first (jump forward).
// Rules:          huggingface: the best processed logit, the end token or max_new_tokens ends.
//                 marian: the best log-probability. `score` is final_score of the model's own
//                 log-probabilities.
// Laws:           output == greedy for any draft (tests/decoding/verify_test.cc, 1,000 random
//                 streams and more); passes <= greedy passes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "decoding/drafter.h"
#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/stop_strings.h"

namespace tandem {

class Verify : public Search {
 public:
  // `drafter` may be null: greedy search. At most `max_draft` tokens are drafted a pass.
  Verify(SearchOptions options, std::unique_ptr<Drafter> drafter, int max_draft);

  std::span<const Row> rows() const override { return {rows_.data(), finished_ ? 0U : 1U}; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // Everything so far; nothing while a constraint may still turn out to be unsatisfiable.
  std::span<const TokenId> settled() const override;
  Stats stats() const override { return stats_; }

 private:
  void draft_and_query();
  void cut_draft();
  void accept(const Candidates& candidates, std::size_t first);
  void finish(FinishReason reason);

  const SearchOptions options_;
  const ProcessorChain chain_;
  const StopStrings stop_strings_;
  const std::unique_ptr<Drafter> drafter_;
  const int max_draft_;

  Path path_;
  std::vector<TokenId> draft_;
  std::vector<Row> rows_{1};
  bool finished_ = false;
  FinishReason reason_ = FinishReason::length;
  Stats stats_;
};

}  // namespace tandem
