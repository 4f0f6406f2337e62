// Answers a CandidateQuery over a row of log-probabilities that is at hand, where the scores do not
// come straight from a model: a mixture. The five steps are those of base/candidate.h; log-
// probabilities take the place of logits.
#pragma once

#include <vector>

#include "base/candidate.h"

namespace tandem {

// The query that asks a decoder for everything of a row that `query` can depend on.
// `vocabulary_size` is the decoder's number of tokens.
CandidateQuery row_query(const CandidateQuery& query, TokenId vocabulary_size);

// Turns a row, which answers row_query(query), into the answer to `query`. Of the row's candidates
// `token`, ascending, and `log_prob` count.
void answer_over_row(const CandidateQuery& query, std::vector<Candidate>& row);

}  // namespace tandem
