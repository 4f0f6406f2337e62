// Forced: scores given targets by teacher forcing. No choice is made.
//
// What it does:   feeds the start token and the targets, each shared beginning once, and asks at
//                 each place for the log-probabilities of the tokens that come next.
// When to use:    scoring: rerankers, closed labels, perplexity.
// Cost:           a fed position for each distinct beginning that some target goes on from. One
//                 pass for a single target or for targets that differ in their last token alone;
//                 otherwise a pass for each place where a target parts from others, and for each
//                 `max_run` positions without one. Statistics need the whole row of scores, one
//                 pass over the vocabulary for each token of each target.
// Result:         hypothesis i has the ids of target i; `score` is sum_log_prob. A token that the
//                 model cannot produce (outside a lexical shortlist) has -infinity.
// Laws:           the numbers are those of each target alone, bit for bit, whatever the other
//                 targets and whatever `max_run` (tests/decoding/forced_test.cc).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "decoding/search.h"

namespace tandem {

// Where a target's token stands in the whole distribution at its place.
struct TokenStatistics {
  int rank = 0;       // 1: the model's own first choice; equals are ranked by token id
  float entropy = 0;  // of the distribution, in nats
};

class Forced : public Search {
 public:
  struct Options {
    TokenId start_token = 0;
    std::size_t max_run = 512;    // positions that one row feeds in one pass, at most
    TokenId vocabulary_size = 0;  // above 0: statistics are wanted
  };

  // `targets` as the model would generate them, with the end token if that is to be scored. Ids are
  // in the vocabulary. An empty target needs no pass.
  Forced(const Options& options, std::vector<std::vector<TokenId>> targets);

  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // A result for each target, and no common beginning that would be worth streaming.
  std::span<const TokenId> settled() const override { return {}; }

  // For each target as many as it has token_log_probs; empty unless they were wanted.
  const std::vector<std::vector<TokenStatistics>>& statistics() const { return statistics_; }

 private:
  // Targets order_[first, last) share their first `length` tokens and have more.
  struct Stem {
    std::size_t first = 0, last = 0, length = 0;
  };
  // A row to come: what follows `stem`, continuing row `parent`.
  struct Branch {
    int parent = -1;
    Stem stem;
  };

  const std::vector<TokenId>& target(std::size_t place) const { return targets_[order_[place]]; }
  void plan_rows(std::span<const Branch> branches);
  std::vector<Stem> split(const Stem& stem, std::vector<TokenId>& next) const;
  CandidateQuery ask(std::vector<TokenId> next) const;
  void read(std::span<const Candidate> answer, const Stem& stem);

  const Options options_;
  const std::vector<std::vector<TokenId>> targets_;
  std::vector<std::size_t> order_;  // of the targets, sorted: a shared beginning is a range
  std::vector<std::vector<float>> log_probs_;
  std::vector<std::vector<TokenStatistics>> statistics_;
  std::vector<Row> rows_;
  std::vector<std::vector<Stem>> asked_;  // for each row and fed token, what its query is about
  std::vector<Branch> branches_;          // of the next pass
};

}  // namespace tandem
