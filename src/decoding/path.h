// Path: one partial output of a search, and the rules by which it is started, ranked and reported.
// Shared by all strategies, so that the start token, the prefix, the constraint and the score mean
// the same everywhere.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <tandem/output.h>

#include "base/candidate.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

struct Path {
  std::vector<TokenId> history;  // the start token, the prefix, what was generated
  // The model's own, one for each token after the start token; the prefix has none before the
  // first answers.
  std::vector<float> log_probs;
  double score = 0;                        // sum over the generated tokens of what ranked them
  double bonus = 0;                        // ranks this output besides, whatever its length
  std::unique_ptr<Constraint> constraint;  // null: none

  // The start token, the prefix and a first token that is chosen. `valid` is false if the prefix violates the constraint: then
  // no output exists.
  struct Start;
  static Start start(const SearchOptions& options);

  // Appends what the constraint allows. A forced first token is the model's own mark (a language,
  // say) and the end token ends the text: the constraint is told of the first by begin_after and
  // does not see the second.
  void append(const SearchOptions& options, TokenId token);

  // A copy that goes its own way.
  Path fork() const;

  // The output: the prefix and what was generated.
  std::span<const TokenId> ids() const { return std::span(history).subspan(1); }
  int generated(const SearchOptions& options) const {
    return static_cast<int>(history.size() - 1 - options.prefix.size());
  }
  bool ended(const SearchOptions& options) const {
    return generated(options) > 0 && options.is_eos(history.back());
  }
  // True if this may be an answer: it has ended, or it may stop here without an end token.
  bool acceptable(const SearchOptions& options) const {
    return ended(options) || !constraint || constraint->can_end();
  }
};

struct Path::Start {
  Path path;
  bool valid = true;
};

// The first row of every search: feeds what its path starts with in one pass. The queries ask for
// the model's own log-probabilities of that; the last one, for what follows, is `next`.
Row opening_row(const SearchOptions& options, CandidateQuery next);

// A later row: `path` continues row `parent` of the step before and asks for what follows it. The
// cache then holds all of the path but its last token.
Row next_row(const Path& path, int parent, CandidateQuery next);

// The answers to the other queries of opening_row, as log-probabilities. A prefix token that the
// model cannot produce at all has -infinity.
std::vector<float> prefix_log_probs(const SearchOptions& options, const Candidates& answers);

// Asks for the model's own log-probability of `token` and nothing else.
CandidateQuery log_prob_query(TokenId token);
// The answer to it.
float log_prob_answer(std::span<const Candidate> answer);

// What ranks a finished output of `length` generated tokens whose scores sum to `sum`.
//   huggingface: sum / length^length_penalty
//   marian:      (sum - word_penalty * length) / length^length_penalty
//   ctranslate2: as huggingface, where the length counts the prefix too
// A length of 0 is ranked by its sum.
double final_score(const SearchOptions& options, double sum, int length);

Hypothesis report(const SearchOptions& options, const Path& path, double score,
                  FinishReason reason);

// The only hypothesis of a search that found no output.
Hypothesis report_unsatisfied();

// Orders hypotheses best first; equals stay in order. Keeps at most num_return_sequences, but all
// where a coverage_penalty will rank them anew; reports an unsatisfied constraint if there is none.
std::vector<Hypothesis> rank(const SearchOptions& options, std::vector<Hypothesis> hypotheses);

// The ranked results of a beam: `finished`, and what is `running` as if the length limit had been
// reached.
std::vector<Hypothesis> rank_beam(const SearchOptions& options, std::vector<Hypothesis> finished,
                                  std::span<const Path> running);

// Settles what all outputs of a beam share; under a constraint nothing before its end.
void settle_beam(const SearchOptions& options, const std::vector<Hypothesis>& finished,
                 std::span<const Path> running, SettledPrefix& settled);

}  // namespace tandem
