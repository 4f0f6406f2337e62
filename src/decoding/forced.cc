#include "decoding/forced.h"

#include <numeric>
#include <utility>

#include "decoding/path.h"

namespace tandem {

Forced::Forced(TokenId start_token, std::vector<TokenId> target) : target_(std::move(target)) {
  if (target_.empty()) return;
  Row row;
  row.feed.push_back(start_token);
  row.feed.insert(row.feed.end(), target_.begin(), target_.end() - 1);
  for (const TokenId token : target_) row.queries.push_back(log_prob_query(token));
  rows_.push_back(std::move(row));
}

void Forced::advance(const Candidates& candidates) {
  for (std::size_t i = 0; i < target_.size(); ++i)
    log_probs_.push_back(log_prob_answer(candidates.after(0, i)));
  rows_.clear();
}

std::vector<Hypothesis> Forced::results() const {
  Hypothesis hypothesis;
  hypothesis.ids.assign(target_.begin(),
                        target_.begin() + static_cast<std::ptrdiff_t>(log_probs_.size()));
  hypothesis.token_log_probs = log_probs_;
  hypothesis.sum_log_prob = std::accumulate(log_probs_.begin(), log_probs_.end(), 0.0);
  hypothesis.score = hypothesis.sum_log_prob;
  hypothesis.finish_reason = FinishReason::length;
  return {std::move(hypothesis)};
}

}  // namespace tandem
