#include "decoding/verify.h"

#include <algorithm>
#include <utility>

#include "decoding/random_stream.h"
#include "decoding/warpers.h"

namespace tandem {
namespace {

ProcessorChain make_chain(const SearchOptions& options, const Acceptance& acceptance) {
  if (acceptance.rule == Verification::rejection)
    return {options, ScoreSpace::logits,
            candidates_to_warp(options.warpers, options.vocabulary_size)};
  // Hugging Face's greedy search ranks raw logits; Marian's, log-probabilities; CTranslate2's the
  // log-softmax of processed logits.
  const bool is_marian = options.profile == Profile::marian;
  return {options, is_marian ? ScoreSpace::log_probs : ScoreSpace::logits,
          acceptance.rule == Verification::relaxed ? acceptance.top_beta : 1};
}

}  // namespace

Verify::Verify(SearchOptions options, std::unique_ptr<Drafter> drafter, DraftLength length,
               Acceptance acceptance)
    : options_(std::move(options)),
      acceptance_(acceptance),
      chain_(make_chain(options_, acceptance)),
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
  const bool keeps_end =
      acceptance_.rule == Verification::relaxed && stop != draft_.end() && options_.is_eos(*stop);
  draft_.erase(keeps_end ? stop + 1 : stop, draft_.end());
  if (draft_.size() > static_cast<std::size_t>(limit)) draft_.resize(limit);
}

// Each drafted token gets the query that it would get if the tokens came one by one. Nothing is
// asked about what follows an end token.
void Verify::feed_draft() {
  if (draft_.empty()) return;
  Row& row = rows_[0];
  row.feed.reserve(row.feed.size() + draft_.size());
  row.queries.reserve(row.queries.size() + draft_.size());
  Path ahead = path_.fork();
  ahead.history.reserve(ahead.history.size() + draft_.size());
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

// What is taken of an answer, which is not empty, about position `i` of the draft.
Candidate Verify::choose(std::span<const Candidate> answer, std::size_t i) const {
  if (acceptance_.rule == Verification::rejection) {
    RandomStream random(options_.seed, /*sample=*/0, path_.generated(options_));
    return draw(warp(options_.warpers, answer), random.uniform()).candidate;
  }
  if (acceptance_.rule == Verification::relaxed && i < draft_.size()) {
    for (const Candidate& candidate : answer) {
      const bool is_near = answer.front().score - candidate.score <= acceptance_.tau;
      if (candidate.token == draft_[i] && is_near) return candidate;
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
    const Candidate chosen = choose(answer, accepted);
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
  const bool processed =
      options_.profile == Profile::ctranslate2 && acceptance_.rule != Verification::rejection;
  path_.score += processed ? chosen.score : chosen.log_prob;
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
  const bool is_sample = acceptance_.rule == Verification::rejection;
  const int length = path_.generated(options_);
  const double score = is_sample ? path_.score : final_score(options_, path_.score, length);
  return {report(options_, path_, score, reason_)};
}

std::span<const TokenId> Verify::settled() const {
  if (reason_ == FinishReason::constraint_unsatisfied) return {};
  if (path_.constraint && !(finished_ && path_.acceptable(options_))) return {};
  return path_.ids().first(path_.log_probs.size());
}

}  // namespace tandem
