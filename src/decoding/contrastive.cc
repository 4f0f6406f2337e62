#include "decoding/contrastive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace tandem {
namespace {

// Processed scores are then log-probabilities.
SearchOptions renormalized(SearchOptions options) {
  options.renormalize = true;
  return options;
}

}  // namespace

ContrastiveSearch::ContrastiveSearch(SearchOptions options, Contrastive contrast)
    : options_(renormalized(std::move(options))),
      contrast_(contrast),
      chain_(options_, ScoreSpace::logits, contrast.top_k),
      stop_strings_(options_) {
  auto [path, valid] = Path::start(options_);
  path_ = std::move(path);
  if (!valid) {
    finish(FinishReason::constraint_unsatisfied);
    return;
  }
  rows_.push_back(opening_row(options_, chain_.query(path_)));
  rows_.front().wants_hidden = true;
}

void ContrastiveSearch::advance(const Candidates& candidates) {
  if (trials_.empty()) {
    path_.log_probs = prefix_log_probs(options_, candidates);
    const std::size_t fed = rows_.front().feed.size();
    for (std::size_t i = 0; i < fed; ++i) remember(candidates.hidden(0, i));
    return try_next(0, candidates.after(0, fed - 1));
  }
  const std::size_t chosen = choose(candidates);
  path_ = std::move(trials_[chosen].path);
  remember(candidates.hidden(chosen, 0));
  if (path_.ended(options_)) return finish(FinishReason::eos);
  if (stop_strings_.completed(path_.ids())) return finish(FinishReason::stopped);
  if (path_.generated(options_) >= options_.max_new_tokens) return finish(FinishReason::length);
  try_next(static_cast<int>(chosen), candidates.after(chosen, 0));
}

std::size_t ContrastiveSearch::choose(const Candidates& candidates) const {
  std::size_t best = 0;
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    const double value = (1 - contrast_.alpha) * std::exp(trials_[i].log_p) -
                         contrast_.alpha * similarity(candidates.hidden(i, 0));
    if (value <= highest) continue;
    highest = value;
    best = i;
  }
  return best;
}

// The largest cosine with an earlier state. A state of zeros is like no other.
double ContrastiveSearch::similarity(std::span<const float> state) const {
  const double norm = std::sqrt(std::inner_product(state.begin(), state.end(), state.begin(), 0.0));
  double largest = -1;
  for (const std::vector<float>& earlier : states_) {
    const double product = std::inner_product(state.begin(), state.end(), earlier.begin(), 0.0);
    largest = std::max(largest, norm > 0 ? product / norm : 0.0);
  }
  return largest;
}

void ContrastiveSearch::remember(std::span<const float> state) {
  std::vector<float>& unit = states_.emplace_back(state.begin(), state.end());
  const double norm = std::sqrt(std::inner_product(unit.begin(), unit.end(), unit.begin(), 0.0));
  if (norm > 0)
    for (float& value : unit) value = static_cast<float>(value / norm);
}

// Row `parent` has been chosen, and `answer` says what may follow.
void ContrastiveSearch::try_next(int parent, std::span<const Candidate> answer) {
  trials_.clear();
  rows_.clear();
  if (answer.empty()) return finish(FinishReason::constraint_unsatisfied);
  for (const Candidate& candidate : answer) {
    Path path = path_.fork();
    path.append(options_, candidate.token);
    path.log_probs.push_back(candidate.log_prob);
    path.score += candidate.log_prob;
    const bool is_last =
        path.ended(options_) || path.generated(options_) >= options_.max_new_tokens;
    CandidateQuery query = is_last ? CandidateQuery{} : chain_.query(path);
    if (is_last) query.top_k = 0;
    rows_.push_back(next_row(path, parent, std::move(query)));
    rows_.back().wants_hidden = true;
    trials_.push_back({std::move(path), candidate.score});
  }
}

void ContrastiveSearch::finish(FinishReason reason) {
  rows_.clear();
  finished_ = true;
  reason_ = reason;
}

std::vector<Hypothesis> ContrastiveSearch::results() const {
  if (reason_ == FinishReason::constraint_unsatisfied) return {report_unsatisfied()};
  const double score = final_score(options_, path_.score, path_.generated(options_));
  return {report(options_, path_, score, reason_)};
}

std::span<const TokenId> ContrastiveSearch::settled() const {
  if (reason_ == FinishReason::constraint_unsatisfied) return {};
  if (path_.constraint && !(finished_ && path_.acceptable(options_))) return {};
  return path_.ids().first(path_.log_probs.size());
}

}  // namespace tandem
