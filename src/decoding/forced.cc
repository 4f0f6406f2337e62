#include "decoding/forced.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "decoding/path.h"

namespace tandem {
namespace {

float entropy_of(std::span<const Candidate> row) {
  double sum = 0;
  for (const Candidate& candidate : row) {
    const double log_prob = candidate.log_prob;
    if (std::isfinite(log_prob)) sum -= std::exp(log_prob) * log_prob;
  }
  return static_cast<float>(sum);
}

// `row` and the place of one token in it, both in ascending order of token ids.
int rank_of(std::span<const Candidate> row, std::span<const Candidate>::iterator token) {
  const auto better = [&](const Candidate& other) {
    return other.log_prob > token->log_prob ||
           (other.log_prob == token->log_prob && other.token < token->token);
  };
  return 1 + static_cast<int>(std::count_if(row.begin(), row.end(), better));
}

}  // namespace

Forced::Forced(const Options& options, std::vector<std::vector<TokenId>> targets)
    : options_(options), targets_(std::move(targets)), order_(targets_.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::sort(order_.begin(), order_.end(),
            [&](std::size_t a, std::size_t b) { return targets_[a] < targets_[b]; });
  log_probs_.resize(targets_.size());
  statistics_.resize(targets_.size());
  const auto longer = std::find_if(order_.begin(), order_.end(),
                                   [&](std::size_t index) { return !targets_[index].empty(); });
  if (longer == order_.end()) return;
  const Branch root{-1, {static_cast<std::size_t>(longer - order_.begin()), order_.size(), 0}};
  plan_rows(std::span(&root, 1));
}

void Forced::plan_rows(std::span<const Branch> branches) {
  rows_.clear();
  asked_.clear();
  branches_.clear();
  for (const Branch& branch : branches) {
    Stem stem = branch.stem;
    Row row;
    row.parent = branch.parent;
    row.keep = static_cast<int>(stem.length);
    std::vector<Stem> asked;
    while (true) {
      row.feed.push_back(stem.length == 0 ? options_.start_token
                                          : target(stem.first)[stem.length - 1]);
      std::vector<TokenId> next;
      const std::vector<Stem> longer = split(stem, next);
      row.queries.push_back(ask(std::move(next)));
      asked.push_back(stem);
      if (longer.size() == 1 && row.feed.size() < options_.max_run) {
        stem = longer.front();
        continue;
      }
      for (const Stem& part : longer) branches_.push_back({static_cast<int>(rows_.size()), part});
      break;
    }
    rows_.push_back(std::move(row));
    asked_.push_back(std::move(asked));
  }
}

// The stems that are one token longer, and all tokens that come next.
std::vector<Forced::Stem> Forced::split(const Stem& stem, std::vector<TokenId>& next) const {
  std::vector<Stem> longer;
  for (std::size_t first = stem.first; first < stem.last;) {
    const TokenId token = target(first)[stem.length];
    next.push_back(token);
    Stem part{first, first, stem.length + 1};
    while (part.last < stem.last && target(part.last)[stem.length] == token) ++part.last;
    first = part.last;
    while (part.first < part.last && target(part.first).size() == part.length) ++part.first;
    if (part.first < part.last) longer.push_back(part);
  }
  return longer;
}

CandidateQuery Forced::ask(std::vector<TokenId> next) const {
  CandidateQuery query;
  query.ranked = false;
  if (options_.vocabulary_size > 0) {
    query.top_k = options_.vocabulary_size;
  } else {
    query.top_k = static_cast<int>(next.size());
    query.mask = TokenMask::only(std::move(next));
  }
  return query;
}

void Forced::read(std::span<const Candidate> answer, const Stem& stem) {
  const bool with_statistics = options_.vocabulary_size > 0;
  const float entropy = with_statistics ? entropy_of(answer) : 0;
  TokenStatistics statistics;
  float log_prob = 0;
  for (std::size_t place = stem.first; place < stem.last; ++place) {
    const TokenId token = target(place)[stem.length];
    if (place == stem.first || token != target(place - 1)[stem.length]) {
      const auto found = std::lower_bound(
          answer.begin(), answer.end(), token,
          [](const Candidate& candidate, TokenId id) { return candidate.token < id; });
      const bool is_known = found != answer.end() && found->token == token;
      log_prob = log_prob_answer(
          answer.subspan(static_cast<std::size_t>(found - answer.begin()), is_known ? 1 : 0));
      if (with_statistics)
        statistics = {is_known ? rank_of(answer, found) : options_.vocabulary_size, entropy};
    }
    log_probs_[order_[place]].push_back(log_prob);
    if (with_statistics) statistics_[order_[place]].push_back(statistics);
  }
}

void Forced::advance(const Candidates& candidates) {
  for (std::size_t row = 0; row < asked_.size(); ++row)
    for (std::size_t fed = 0; fed < asked_[row].size(); ++fed)
      read(candidates.after(row, fed), asked_[row][fed]);
  plan_rows(std::exchange(branches_, {}));
}

std::vector<Hypothesis> Forced::results() const {
  std::vector<Hypothesis> hypotheses(targets_.size());
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    Hypothesis& hypothesis = hypotheses[i];
    const auto scored = static_cast<std::ptrdiff_t>(log_probs_[i].size());
    hypothesis.ids.assign(targets_[i].begin(), targets_[i].begin() + scored);
    hypothesis.token_log_probs = log_probs_[i];
    hypothesis.sum_log_prob = std::accumulate(log_probs_[i].begin(), log_probs_[i].end(), 0.0);
    hypothesis.score = hypothesis.sum_log_prob;
    hypothesis.finish_reason = FinishReason::length;
  }
  return hypotheses;
}

}  // namespace tandem
