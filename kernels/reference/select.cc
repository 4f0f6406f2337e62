// The five steps of base/candidate.h, one after another over the whole vocabulary.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference/reference_backend.h"

namespace tandem {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// log of the sum of exponentials; -inf when all are -inf.
double log_sum_exp(const std::vector<double>& values) {
  const double maximum = *std::max_element(values.begin(), values.end());
  if (maximum == kNever) return kNever;
  double sum = 0;
  for (const double value : values) sum += std::exp(value - maximum);
  return maximum + std::log(sum);
}

void edit_scores(const ScoreEdit& edit, const std::vector<TokenId>& tokens,
                 std::vector<double>& scores) {
  if (edit.kind == ScoreEdit::Kind::force) std::fill(scores.begin(), scores.end(), kNever);
  const auto place = std::find(tokens.begin(), tokens.end(), edit.token);
  if (place == tokens.end()) return;
  double& s = scores[static_cast<std::size_t>(place - tokens.begin())];
  const double value = edit.value;
  switch (edit.kind) {
    case ScoreEdit::Kind::ban:
      s = kNever;
      break;
    case ScoreEdit::Kind::force:
      s = 0;
      break;
    case ScoreEdit::Kind::penalize:
      s = s == kNever ? s : s < 0 ? s * value : s / value;
      break;
    case ScoreEdit::Kind::add:
      s = s + value;
      break;
    case ScoreEdit::Kind::add_relative:
      s = s == kNever ? s : s + std::abs(s) * value;
      break;
  }
}

SelectAnswer select_one(const float* logits, const SelectQuery& query, Candidate* out) {
  const CandidateQuery& asked = *query.query;
  std::vector<TokenId> tokens;
  std::vector<double> raw;
  for (std::int64_t c = 0; c < query.num_columns; ++c) {
    tokens.push_back(query.ids == nullptr ? static_cast<TokenId>(c) : query.ids[c]);
    raw.push_back(logits[c]);
    if (std::isnan(logits[c]) || logits[c] == std::numeric_limits<float>::infinity())
      return {0, SelectStatus::not_a_number};
  }
  const double total = raw.empty() ? kNever : log_sum_exp(raw);
  if (total == kNever) return {0, SelectStatus::ok};

  std::vector<double> scores = raw;
  if (asked.space == ScoreSpace::log_probs)
    for (double& score : scores) score -= total;
  for (std::size_t c = 0; c < scores.size(); ++c)
    if (!asked.mask.allows(tokens[c])) scores[c] = kNever;
  for (const ScoreEdit& edit : asked.edits) edit_scores(edit, tokens, scores);
  if (const double rest = log_sum_exp(scores); asked.renormalize && rest != kNever)
    for (double& score : scores) score -= rest;

  std::vector<Candidate> found;
  for (std::size_t c = 0; c < scores.size(); ++c)
    if (asked.ranked ? scores[c] > kNever : asked.mask.allows(tokens[c]))
      found.push_back({.token = tokens[c],
                       .log_prob = static_cast<float>(raw[c] - total),
                       .score = static_cast<float>(scores[c])});
  if (asked.ranked)
    std::stable_sort(found.begin(), found.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  const std::size_t count =
      std::min(found.size(), static_cast<std::size_t>(std::max(asked.top_k, 0)));
  std::copy_n(found.begin(), count, out);
  return {static_cast<std::int32_t>(count), SelectStatus::ok};
}

}  // namespace

void ReferenceBackend::select(MatrixView logits, std::span<const SelectQuery> queries,
                              std::span<SelectAnswer> answers, Candidate* out,
                              std::size_t out_stride) {
  for (std::size_t i = 0; i < queries.size(); ++i)
    answers[i] = select_one(logits.row<float>(queries[i].row), queries[i], out + i * out_stride);
}

}  // namespace tandem
