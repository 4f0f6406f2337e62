#include "decoding/path.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace tandem {

Path::Start Path::start(const SearchOptions& options) {
  Start start;
  Path& path = start.path;
  if (options.constraint) path.constraint = options.constraint->clone();
  path.history.push_back(options.start_token);
  for (const TokenId token : options.prefix) {
    const bool seen = path.history.size() > 1 || token != options.forced_bos_token;
    if (path.constraint && seen && !path.constraint->allowed().allows(token)) {
      start.valid = false;
      return start;
    }
    path.append(options, token);
  }
  if (options.first) {
    path.append(options, options.first->token);
    path.score = options.first->score;
  }
  return start;
}

void Path::append(const SearchOptions& options, TokenId token) {
  const bool is_mark = history.size() == 1 && token == options.forced_bos_token;
  history.push_back(token);
  const bool is_end = generated(options) > 0 && options.is_eos(token);
  if (constraint && is_mark) constraint->begin_after(token);
  if (constraint && !is_mark && !is_end) constraint->advance(token);
}

Path Path::fork() const {
  return {history, log_probs, score, bonus, constraint ? constraint->clone() : nullptr};
}

CandidateQuery log_prob_query(TokenId token) {
  CandidateQuery query;
  query.top_k = 1;
  query.space = ScoreSpace::log_probs;
  query.mask = TokenMask::only({token});
  query.ranked = false;  // whatever its score
  return query;
}

float log_prob_answer(std::span<const Candidate> answer) {
  return answer.empty() ? -std::numeric_limits<float>::infinity() : answer.front().log_prob;
}

Row opening_row(const SearchOptions& options, CandidateQuery next) {
  Row row;
  row.feed.reserve(1 + options.prefix.size());
  row.feed.push_back(options.start_token);
  for (const TokenId token : options.prefix) {
    row.feed.push_back(token);
    row.queries.push_back(log_prob_query(token));
  }
  if (options.first) {
    row.feed.push_back(options.first->token);
    row.queries.push_back(log_prob_query(options.first->token));
  }
  row.queries.push_back(std::move(next));
  return row;
}

Row next_row(const Path& path, int parent, CandidateQuery next) {
  Row row;
  row.parent = parent;
  row.keep = static_cast<int>(path.history.size()) - 1;
  row.feed.push_back(path.history.back());
  row.queries.push_back(std::move(next));
  return row;
}

std::vector<float> prefix_log_probs(const SearchOptions& options, const Candidates& answers) {
  std::vector<float> log_probs(options.prefix.size() + (options.first ? 1 : 0));
  for (std::size_t i = 0; i < log_probs.size(); ++i)
    log_probs[i] = log_prob_answer(answers.after(0, i));
  return log_probs;
}

double final_score(const SearchOptions& options, double sum, int length) {
  if (options.profile == Profile::ctranslate2) length += static_cast<int>(options.prefix.size());
  if (length == 0) return sum;
  if (options.profile == Profile::marian) sum -= options.word_penalty * length;
  return sum / std::pow(length, options.length_penalty);
}

Hypothesis report(const SearchOptions& options, const Path& path, double score,
                  FinishReason reason) {
  if (reason == FinishReason::length && !path.acceptable(options)) return report_unsatisfied();
  Hypothesis hypothesis;
  const auto first = path.history.begin() + 1;
  hypothesis.ids.assign(first, first + static_cast<std::ptrdiff_t>(path.log_probs.size()));
  hypothesis.token_log_probs = path.log_probs;
  hypothesis.sum_log_prob = std::accumulate(path.log_probs.begin(), path.log_probs.end(), 0.0);
  hypothesis.score = score;
  hypothesis.finish_reason = reason;
  return hypothesis;
}

Hypothesis report_unsatisfied() {
  Hypothesis hypothesis;
  hypothesis.finish_reason = FinishReason::constraint_unsatisfied;
  return hypothesis;
}

std::vector<Hypothesis> rank(const SearchOptions& options, std::vector<Hypothesis> hypotheses) {
  std::stable_sort(hypotheses.begin(), hypotheses.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  const auto wanted = static_cast<std::size_t>(options.num_return_sequences);
  const bool is_final = options.coverage_penalty == 0;
  if (is_final && hypotheses.size() > wanted) hypotheses.resize(wanted);
  if (hypotheses.empty()) hypotheses.push_back(report_unsatisfied());
  return hypotheses;
}

std::vector<Hypothesis> rank_beam(const SearchOptions& options, std::vector<Hypothesis> finished,
                                  std::span<const Path> running) {
  for (const Path& path : running) {
    if (!path.acceptable(options)) continue;
    const double score = final_score(options, path.score, path.generated(options));
    finished.push_back(report(options, path, score, FinishReason::length));
  }
  return rank(options, std::move(finished));
}

void settle_beam(const SearchOptions& options, const std::vector<Hypothesis>& finished,
                 std::span<const Path> running, SettledPrefix& settled) {
  if (!running.empty() && options.constraint) return;
  const std::vector<Hypothesis> last = running.empty() ? rank(options, finished) : finished;
  std::vector<std::span<const TokenId>> outputs;
  for (const Hypothesis& hypothesis : last) outputs.emplace_back(hypothesis.ids);
  for (const Path& path : running) outputs.push_back(path.ids());
  settled.update(outputs);
}

}  // namespace tandem
