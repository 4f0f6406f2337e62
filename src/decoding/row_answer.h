// Answers a CandidateQuery over a row of scores that is at hand, where they do not come straight
// from a model: a mixture, a row that a hook has changed. The steps are those of base/candidate.h.
// The kernels have them too, over a dense row of logits in a device's memory; this layer knows no
// kernels, and its rows are lists of the tokens that count. What they share is base/score_edit.h.
#pragma once

#include <vector>

#include "base/candidate.h"

namespace tandem {

// The query that asks a decoder for everything of a row that `query` can depend on, in its space.
// `vocabulary_size` is the decoder's number of tokens.
CandidateQuery row_query(const CandidateQuery& query, TokenId vocabulary_size);

// Turns a row, which answers row_query(query), into the answer to `query`: steps 2 to 5 over the base
// scores that stand in `score`. Tokens ascend.
void rank_row(const CandidateQuery& query, std::vector<Candidate>& row);

// The same where the base scores are the log-probabilities in `log_prob`, which also take the place
// of logits.
void answer_over_row(const CandidateQuery& query, std::vector<Candidate>& row);

}  // namespace tandem
