#include "decoding/verify.h"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

// Hugging Face's greedy search ranks raw logits; Marian's, log-probabilities.
ScoreSpace greedy_space(const SearchOptions& options) {
  return options.profile == Profile::marian ? ScoreSpace::log_probs : ScoreSpace::logits;
}

}  // namespace

Verify::Verify(SearchOptions options, std::unique_ptr<Drafter> drafter, int max_draft)
    : options_(std::move(options)),
      chain_(options_, greedy_space(options_), /*top_k=*/1),
      stop_strings_(options_),
      drafter_(std::move(drafter)),
      max_draft_(max_draft) {
  auto [path, valid] = Path::start(options_);
  path_ = std::move(path);
  if (!valid) {
    finish(FinishReason::constraint_unsatisfied);
    return;
  }
  rows_[0] = opening_row(options_, {});
  draft_and_query();
}

// Completes rows_[0], whose feed ends with the last known token and whose last query is open.
void Verify::draft_and_query() {
  const int room = options_.max_new_tokens - path_.generated(options_) - 1;
  const int limit = std::min(room, max_draft_);
  draft_.clear();
  if (path_.constraint) draft_ = path_.constraint->forced_run();
  if (draft_.empty() && drafter_ && limit > 0) draft_ = drafter_->propose(path_.ids(), limit);
  if (draft_.size() > static_cast<std::size_t>(limit)) draft_.resize(limit);
  cut_draft();

  Row& row = rows_[0];
  row.queries.back() = chain_.query(path_);
  if (draft_.empty()) return;
  Path ahead = path_.fork();
  for (std::size_t i = 0; i < draft_.size(); ++i) {
    if (ahead.constraint && !row.queries.back().mask.allows(draft_[i])) {
      draft_.resize(i);
      break;
    }
    ahead.append(options_, draft_[i]);
    row.feed.push_back(draft_[i]);
    row.queries.push_back(chain_.query(ahead));
  }
  stats_.draft_tokens += static_cast<std::int64_t>(draft_.size());
}

// A drafter is not trusted: an id outside the vocabulary or an end token ends the draft.
void Verify::cut_draft() {
  const auto stop = std::find_if(draft_.begin(), draft_.end(), [&](TokenId token) {
    return token < 0 || token >= options_.vocabulary_size || options_.is_eos(token);
  });
  draft_.erase(stop, draft_.end());
}

void Verify::advance(const Candidates& candidates) {
  const std::size_t first = rows_[0].feed.size() - 1 - draft_.size();
  if (path_.log_probs.empty()) path_.log_probs = prefix_log_probs(options_, candidates);
  accept(candidates, first);
  if (finished_) return;

  // The cache holds everything but the newest token; what was drafted in vain is rolled back.
  rows_[0] = next_row(path_, /*parent=*/0, {});
  draft_and_query();
}

// Takes the answers from fed token `first` on: the draft as far as it is right, and one token more.
void Verify::accept(const Candidates& candidates, std::size_t first) {
  for (std::size_t i = 0; i <= draft_.size(); ++i) {
    const auto answer = candidates.after(0, first + i);
    if (answer.empty()) return finish(FinishReason::constraint_unsatisfied);
    const Candidate& best = answer.front();
    path_.append(options_, best.token);
    path_.log_probs.push_back(best.log_prob);
    path_.score += best.log_prob;
    const bool was_drafted = i < draft_.size() && best.token == draft_[i];
    if (was_drafted) ++stats_.accepted_tokens;
    if (path_.ended(options_)) return finish(FinishReason::eos);
    if (stop_strings_.completed(path_.ids())) return finish(FinishReason::stopped);
    if (path_.generated(options_) >= options_.max_new_tokens) return finish(FinishReason::length);
    if (!was_drafted) return;
  }
}

void Verify::finish(FinishReason reason) {
  finished_ = true;
  reason_ = reason;
}

std::vector<Hypothesis> Verify::results() const {
  if (reason_ == FinishReason::constraint_unsatisfied) return {report_unsatisfied()};
  const int length = path_.generated(options_);
  return {report(options_, path_, final_score(options_, path_.score, length), reason_)};
}

std::span<const TokenId> Verify::settled() const {
  if (reason_ == FinishReason::constraint_unsatisfied) return {};
  if (path_.constraint && !(finished_ && path_.acceptable(options_))) return {};
  return path_.ids().first(path_.log_probs.size());
}

}  // namespace tandem
