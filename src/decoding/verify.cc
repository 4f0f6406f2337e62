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

Verify::Verify(SearchOptions options, std::unique_ptr<Drafter> drafter, DraftLength length,
               Tolerance tolerance)
    : options_(std::move(options)),
      tolerance_(tolerance),
      chain_(options_, greedy_space(options_), /*top_k=*/tolerance.top_beta),
      stop_strings_(options_),
      drafter_(std::move(drafter)),
      length_(std::move(length)) {
  auto [path, valid] = Path::start(options_);
  path_ = std::move(path);
  if (valid)
    begin(opening_row(options_, chain_.query(path_)));
  else
    finish(FinishReason::constraint_unsatisfied);
}

// The last query of `row` asks what follows the last known token.
void Verify::begin(Row row) {
  rows_[0] = std::move(row);
  first_query_ = rows_[0].queries.size() - 1;
  draft_.clear();
  guessed_ = 0;
  prepared_ = false;
}

void Verify::prepare(int sentences) {
  if (finished_ || prepared_) return;
  prepared_ = true;
  const int room = options_.max_new_tokens - path_.generated(options_) - 1;
  if (room == 0) return;
  if (path_.constraint) draft_ = path_.constraint->forced_run();
  if (draft_.empty() && drafter_)
    guess(room, sentences);
  else
    cut_draft(room);
  feed_draft();
}

void Verify::guess(int room, int sentences) {
  const int length = length_.choose(room, sentences);
  if (length == 0 && !length_.wants_a_guess()) return;
  draft_ = drafter_->propose(path_.ids(), std::max(length, 1));
  cut_draft(std::max(length, 1));
  guessed_ = draft_.size();
  if (length > 0 || draft_.empty()) return;
  unfed_ = draft_.front();
  draft_.clear();
}

// A drafter is not trusted: an id outside the vocabulary ends the draft, and so does an end token.
// That one is kept under relaxed verification, where it may be accepted without being the best.
void Verify::cut_draft(int limit) {
  const auto stop = std::find_if(draft_.begin(), draft_.end(), [&](TokenId token) {
    return token < 0 || token >= options_.vocabulary_size || options_.is_eos(token);
  });
  const bool keeps_end = tolerance_.top_beta > 1 && stop != draft_.end() && options_.is_eos(*stop);
  draft_.erase(keeps_end ? stop + 1 : stop, draft_.end());
  if (draft_.size() > static_cast<std::size_t>(limit)) draft_.resize(limit);
}

// Each drafted token gets the query that it would get if the tokens came one by one. Nothing is
// asked about what follows an end token.
void Verify::feed_draft() {
  if (draft_.empty()) return;
  Row& row = rows_[0];
  Path ahead = path_.fork();
  for (std::size_t i = 0; i < draft_.size(); ++i) {
    if (ahead.constraint && !row.queries.back().mask.allows(draft_[i])) {
      draft_.resize(i);
      break;
    }
    if (options_.is_eos(draft_[i])) break;
    ahead.append(options_, draft_[i]);
    row.feed.push_back(draft_[i]);
    row.queries.push_back(chain_.query(ahead));
  }
  stats_.draft_tokens += static_cast<std::int64_t>(draft_.size());
}

void Verify::advance(const Candidates& candidates) {
  if (path_.log_probs.empty()) path_.log_probs = prefix_log_probs(options_, candidates);
  accept(candidates);
  // The cache holds everything but the newest token; what was drafted in vain is rolled back.
  if (!finished_) begin(next_row(path_, /*parent=*/0, chain_.query(path_)));
}

// What is taken of the answer about position `i` of the draft: the drafted token if it will do,
// else the best one.
const Candidate& Verify::choose(std::span<const Candidate> answer, std::size_t i) const {
  if (i < draft_.size()) {
    for (const Candidate& candidate : answer) {
      if (candidate.token != draft_[i]) continue;
      if (answer.front().score - candidate.score <= tolerance_.tau) return candidate;
      break;
    }
  }
  return answer.front();
}

// Takes the answers from the first query on: the draft as far as it will do, and one token more.
void Verify::accept(const Candidates& candidates) {
  std::size_t accepted = 0;
  for (bool goes_on = true; goes_on && !finished_;) {
    const auto answer = candidates.after(0, first_query_ + accepted);
    if (answer.empty()) return finish(FinishReason::constraint_unsatisfied);
    const Candidate& chosen = choose(answer, accepted);
    goes_on = accepted < draft_.size() && chosen.token == draft_[accepted];
    if (goes_on) ++accepted;
    take(chosen);
  }
  stats_.accepted_tokens += static_cast<std::int64_t>(accepted);
  if (guessed_ == 0) return;
  if (draft_.empty()) accepted = path_.history.back() == unfed_ ? 1 : 0;
  length_.observe(static_cast<int>(guessed_), static_cast<int>(accepted));
}

void Verify::take(const Candidate& chosen) {
  path_.append(options_, chosen.token);
  path_.log_probs.push_back(chosen.log_prob);
  path_.score += chosen.log_prob;
  if (path_.ended(options_))
    finish(FinishReason::eos);
  else if (stop_strings_.completed(path_.ids()))
    finish(FinishReason::stopped);
  else if (path_.generated(options_) >= options_.max_new_tokens)
    finish(FinishReason::length);
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
