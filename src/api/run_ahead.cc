#include "api/run_ahead.h"

#include <algorithm>

#include "base/check.h"

namespace tandem {
namespace {

bool is_greedy(const CandidateQuery& query) {
  return query.ranked && query.top_k == 1;
}

// One row that asks for its best next token and for nothing else; of what it feeds before, a prefix
// for example, it may ask for known tokens. A draft asks for the best after each of its tokens.
bool asks_greedily(std::span<const Row> rows) {
  if (rows.size() != 1) return false;
  const Row& row = rows.front();
  const auto is_ranked = [](const CandidateQuery& query) {
    return query.ranked && query.top_k > 0;
  };
  return !row.wants_hidden && !row.wants_attention && !row.queries.empty() &&
         is_greedy(row.queries.back()) &&
         std::none_of(row.queries.begin(), row.queries.end() - 1, is_ranked);
}

// Nothing in it that a search would change from step to step.
bool is_plain(const CandidateQuery& query) {
  return query.mask.allows_all() && query.edits.empty();
}

template <class T>
bool same_values(const std::vector<T>* a, const std::vector<T>* b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

bool same_edit(const ScoreEdit& a, const ScoreEdit& b) {
  return a.kind == b.kind && a.token == b.token && a.value == b.value;
}

bool same_question(const CandidateQuery& a, const CandidateQuery& b) {
  return a.top_k == b.top_k && a.space == b.space && a.renormalize == b.renormalize &&
         a.ranked == b.ranked && same_values(a.mask.list(), b.mask.list()) &&
         same_values(a.mask.words(), b.mask.words()) &&
         std::ranges::equal(a.edits, b.edits, same_edit);
}

}  // namespace

bool RunAhead::is_predicted(std::span<const Row> rows) const {
  if (held() == 0 || !asks_greedily(rows)) return false;
  const Row& row = rows.front();
  return row.parent == 0 && row.keep == keep_ && row.feed.size() == 1 && row.feed.front() == token_;
}

bool RunAhead::answers(std::span<const Row> rows) const {
  return is_predicted(rows) && same_question(rows.front().queries.front(), query_);
}

Candidate RunAhead::take() {
  TANDEM_DCHECK(held() > 0);
  const Candidate answer = answers_[next_++];
  token_ = answer.token;
  ++keep_;
  return answer;
}

int RunAhead::ask(std::span<const Row> rows) {
  const int dropped = held();
  departed_ = departed_ || (dropped > 0 && !is_predicted(rows)) || !asks_greedily(rows);
  answers_.clear();
  next_ = 0;
  may_run_ = false;
  if (departed_) return dropped;
  const Row& row = rows.front();
  const CandidateQuery& query = row.queries.back();
  const bool is_known = same_question(query, query_);
  if (!is_known) query_ = query;
  may_run_ = row.feed.size() == 1 && (is_known || is_plain(query));
  keep_ = row.keep + static_cast<int>(row.feed.size());
  return dropped;
}

void RunAhead::hold(const Candidate& first, std::span<const Candidate> following) {
  TANDEM_DCHECK(may_run_ && held() == 0);
  token_ = first.token;
  answers_.assign(following.begin(), following.end());
  next_ = 0;
}

}  // namespace tandem
