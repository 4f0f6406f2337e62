// ProcessorChain: the logits processors of Hugging Face, as edits of one row of scores.
//
// What it does:   for a history (start token, prefix, output so far) writes the CandidateQuery
//                 whose edits equal the chain of processors that transformers would run over the
//                 row.
// Cost:           O(length of history + source + ban lists) a query; never the vocabulary.
// Source:         transformers, generation/utils.py `_get_logits_processor` (the order) and
//                 generation/logits_process.py (the formulas).
// Order:          sequence bias, encoder repetition penalty, repetition penalty, n-gram bans, bad
//                 words, minimum length, constraint, forced first token, forced last token,
//                 exponential decay, suppressed tokens, renormalisation.
// Departures:     - Bans are written after the other edits, since a ban commutes with all but a
//                   forced token, which overwrites what came before it. So a banned end token is
//                   never decayed (transformers gets NaN from that).
//                 - A constraint also holds where a token is forced: where the two contradict
//                   each other, nothing is allowed. A forced *first* token passes: the
//                   constraint is told of it (Constraint::begin_after).
//                 - Of several forced end tokens the lowest is taken; all of them would tie.
#pragma once

#include <span>
#include <vector>

#include "base/candidate.h"
#include "decoding/path.h"
#include "decoding/search_options.h"

namespace tandem {

class ProcessorChain {
 public:
  // `options` must outlive the chain. Every query asks for `top_k` candidates in `space`.
  ProcessorChain(const SearchOptions& options, ScoreSpace space, int top_k);

  // What is asked of the row that follows `path`.
  CandidateQuery query(const Path& path) const { return build(path, path.constraint.get()); }
  // The same without the path's constraint, which the caller holds against the answers.
  CandidateQuery unconstrained_query(const Path& path) const { return build(path, nullptr); }

 private:
  CandidateQuery build(const Path& path, const Constraint* constraint) const;
  TokenId forced_token(std::span<const TokenId> history, int generated) const;
  bool end_too_early(int generated) const { return generated < options_.min_new_tokens; }
  // What repetition penalties look at: Hugging Face's see the start token, CTranslate2's do not.
  std::span<const TokenId> repeatable(std::span<const TokenId> history) const;
  void add_bias(std::span<const TokenId> history, std::vector<ScoreEdit>& edits) const;
  void penalize(std::span<const TokenId> history, std::vector<ScoreEdit>& edits) const;
  void decay_end(int generated, std::vector<ScoreEdit>& edits) const;
  void ban(std::span<const TokenId> history, int generated, std::vector<ScoreEdit>& edits) const;
  void suppress(std::span<const TokenId> history, std::vector<ScoreEdit>& edits) const;

  const SearchOptions& options_;
  ScoreSpace space_;
  int top_k_;
  std::vector<ScoreEdit> source_penalties_;
};

// What a constraint allows next, with the end tokens added where the output may end and removed
// where it may not. `end_bans` receives the bans that a mask of "anything" cannot express.
TokenMask mask_with_end(const Constraint& constraint, std::span<const TokenId> eos_tokens,
                        std::vector<ScoreEdit>& end_bans);

}  // namespace tandem
