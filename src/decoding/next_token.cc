#include "decoding/next_token.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tandem {

NextToken::NextToken(TokenId start_token, TokenId vocabulary_size, std::span<const TokenId> prefix,
                     std::vector<TokenId> ids)
    : vocabulary_size_(vocabulary_size), ids_(std::move(ids)) {
  Row row;
  row.feed.push_back(start_token);
  row.feed.insert(row.feed.end(), prefix.begin(), prefix.end());
  row.queries.resize(row.feed.size());
  for (CandidateQuery& query : row.queries) query.top_k = 0;
  CandidateQuery& last = row.queries.back();
  last.ranked = false;
  last.top_k = vocabulary_size;
  if (!ids_.empty()) {
    last.mask = TokenMask::only(ids_);
    last.top_k = static_cast<int>(last.mask.list()->size());
  }
  rows_.push_back(std::move(row));
}

void NextToken::advance(const Candidates& candidates) {
  const auto answer = candidates.after(0);
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  rows_.clear();
  if (ids_.empty()) {
    log_probs_.assign(static_cast<std::size_t>(vocabulary_size_), kNever);
    for (const Candidate& candidate : answer)
      log_probs_[static_cast<std::size_t>(candidate.token)] = candidate.log_prob;
    return;
  }
  for (const TokenId id : ids_) {
    const auto found = std::lower_bound(
        answer.begin(), answer.end(), id,
        [](const Candidate& candidate, TokenId token) { return candidate.token < token; });
    log_probs_.push_back(found != answer.end() && found->token == id ? found->log_prob : kNever);
  }
}

}  // namespace tandem
