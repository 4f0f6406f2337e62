#include "decoding/row_answer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/score_edit.h"

namespace tandem {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

bool forces(const CandidateQuery& query) {
  return std::any_of(query.edits.begin(), query.edits.end(),
                     [](const ScoreEdit& edit) { return edit.kind == ScoreEdit::Kind::force; });
}

void apply(const ScoreEdit& edit, std::vector<Candidate>& row) {
  if (edit.kind == ScoreEdit::Kind::force)
    for (Candidate& candidate : row) candidate.score = kNever;
  const auto place = std::lower_bound(
      row.begin(), row.end(), edit.token,
      [](const Candidate& candidate, TokenId token) { return candidate.token < token; });
  if (place != row.end() && place->token == edit.token) place->score = edited(place->score, edit);
}

void renormalize(std::vector<Candidate>& row) {
  float maximum = kNever;
  for (const Candidate& candidate : row) maximum = std::max(maximum, candidate.score);
  if (maximum == kNever) return;
  double sum = 0;
  for (const Candidate& candidate : row)
    sum += std::exp(static_cast<double>(candidate.score) - maximum);
  const auto total = static_cast<float>(maximum + std::log(sum));
  for (Candidate& candidate : row) candidate.score -= total;
}

}  // namespace

CandidateQuery row_query(const CandidateQuery& query, TokenId vocabulary_size) {
  CandidateQuery row;
  row.space = query.space;
  row.ranked = false;
  if (!forces(query)) row.mask = query.mask;  // what is forced need not be allowed
  row.top_k = row.mask.list() != nullptr ? static_cast<int>(row.mask.list()->size())
                                         : static_cast<int>(vocabulary_size);
  return row;
}

void answer_over_row(const CandidateQuery& query, std::vector<Candidate>& row) {
  for (Candidate& candidate : row) candidate.score = candidate.log_prob;
  rank_row(query, row);
}

void rank_row(const CandidateQuery& query, std::vector<Candidate>& row) {
  for (Candidate& candidate : row)
    if (!query.mask.allows(candidate.token)) candidate.score = kNever;
  if (!query.ranked) {
    std::erase_if(row,
                  [&](const Candidate& candidate) { return !query.mask.allows(candidate.token); });
    return;
  }
  for (const ScoreEdit& edit : query.edits) apply(edit, row);
  if (query.renormalize) renormalize(row);
  std::erase_if(row, [](const Candidate& candidate) { return candidate.score == kNever; });
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.token < b.token;
  };
  const auto kept = std::min(row.size(), static_cast<std::size_t>(query.top_k));
  std::partial_sort(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(kept), row.end(),
                    better);
  row.resize(kept);
}

}  // namespace tandem
