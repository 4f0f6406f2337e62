#include "kernels/cpu/select.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/score_edit.h"

namespace tandem::cpu {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Above this k, keeping a sorted list by insertion costs more than sorting all scores.
constexpr std::int64_t kMaxInsertionK = 64;

float shifted(float x, const ScoreShift& shift) {
  return ((x - shift.first) - shift.second) - shift.third;
}

bool better(const RankedColumn& a, const RankedColumn& b) {
  return a.score != b.score ? a.score > b.score : a.column < b.column;
}

// The last force makes everything before it irrelevant.
const ScoreEdit* last_force(const std::vector<ScoreEdit>& edits) {
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit)
    if (edit->kind == ScoreEdit::Kind::force) return &*edit;
  return nullptr;
}

}  // namespace

std::int64_t RowSelector::column_of(const SelectQuery& query, TokenId token) {
  if (query.ids == nullptr) return token >= 0 && token < query.num_columns ? token : -1;
  const std::int32_t* end = query.ids + query.num_columns;
  const std::int32_t* found = std::lower_bound(query.ids, end, token);
  return found != end && *found == token ? found - query.ids : -1;
}

SelectAnswer RowSelector::select(float* row, const SelectQuery& query, Candidate* out) {
  const CandidateQuery& asked = *query.query;
  const std::int64_t columns = query.num_columns;
  const float maximum = kernels_->max(row, columns);
  if (!(maximum > kNever)) {  // every column is -inf, or there are NaNs among them
    const bool nan = std::any_of(row, row + columns, [](float x) { return std::isnan(x); });
    return {0, nan ? SelectStatus::not_a_number : SelectStatus::ok};
  }
  const float sum = kernels_->sum_exp(row, columns, {maximum, 0, 0});
  if (std::isnan(sum)) return {0, SelectStatus::not_a_number};  // a NaN, or an infinite logit
  const float log_sum = std::log(sum);
  if (!asked.ranked) return list(row, query, {maximum, log_sum, 0}, out);
  const bool logits = asked.space == ScoreSpace::logits;
  base_ = logits ? ScoreShift{0, 0, 0} : ScoreShift{maximum, log_sum, 0};

  const ScoreEdit* force = last_force(asked.edits);
  const bool row_counts = choose_columns(row, query, force);
  apply_edits(query, force == nullptr ? asked.edits.data() : force + 1);
  const std::int64_t open_columns = row_counts ? columns : 0;
  if (asked.renormalize) renormalize(row, open_columns);
  const std::int64_t k = std::min<std::int64_t>(std::max(asked.top_k, 0), columns);
  rank(row, open_columns, k, maximum);

  for (std::size_t i = 0; i < ranked_.size(); ++i) {
    const std::int32_t column = ranked_[i].column;
    const auto place = std::lower_bound(
        chosen_.begin(), chosen_.end(), column,
        [](const ChosenColumn& chosen, std::int32_t c) { return chosen.column < c; });
    const bool is_chosen = place != chosen_.end() && place->column == column;
    const float logit = is_chosen ? place->logit : row[column];
    out[i] = {.token = query.ids == nullptr ? column : query.ids[column],
              .log_prob = (logit - maximum) - log_sum,
              .score = ranked_[i].score};
  }
  return {static_cast<std::int32_t>(ranked_.size()), SelectStatus::ok};
}

SelectAnswer RowSelector::list(const float* row, const SelectQuery& query,
                               const ScoreShift& log_softmax, Candidate* out) const {
  const CandidateQuery& asked = *query.query;
  const Candidate* first = out;
  const auto write = [&](TokenId token, std::int64_t column) {
    const float log_prob = shifted(row[column], log_softmax);
    const bool logits = asked.space == ScoreSpace::logits;
    *out++ = {.token = token, .log_prob = log_prob, .score = logits ? row[column] : log_prob};
  };
  if (const std::vector<TokenId>* tokens = asked.mask.list()) {
    for (const TokenId token : *tokens)
      if (const std::int64_t column = column_of(query, token); column >= 0) write(token, column);
  } else {
    for (std::int64_t column = 0; column < query.num_columns; ++column) {
      const auto token = query.ids == nullptr ? static_cast<TokenId>(column) : query.ids[column];
      if (asked.mask.allows(token)) write(token, column);
    }
  }
  return {static_cast<std::int32_t>(out - first), SelectStatus::ok};
}

void RowSelector::mask_row(float* row, const SelectQuery& query) const {
  const std::vector<std::uint64_t>& words = *query.query->mask.words();
  const auto bits = static_cast<std::int64_t>(words.size()) * 64;
  for (std::int64_t c = 0; c < query.num_columns; ++c) {
    const std::int64_t token = query.ids == nullptr ? c : query.ids[c];
    const bool allowed =
        token < bits && ((words[static_cast<std::size_t>(token / 64)] >> (token % 64)) & 1U) != 0;
    row[c] = allowed ? row[c] : kNever;
  }
}

bool RowSelector::choose_columns(float* row, const SelectQuery& query, const ScoreEdit* force) {
  chosen_.clear();
  const auto choose = [&](TokenId token) {
    const std::int64_t column = column_of(query, token);
    if (column >= 0)
      chosen_.push_back(
          {static_cast<std::int32_t>(column), row[column], shifted(row[column], base_)});
  };
  if (force != nullptr) {
    choose(force->token);
    if (!chosen_.empty()) chosen_.front().score = 0;
    return false;
  }
  const TokenMask& mask = query.query->mask;
  if (mask.list() != nullptr) {
    for (const TokenId token : *mask.list()) choose(token);
    return false;
  }
  if (mask.words() != nullptr) mask_row(row, query);
  for (const ScoreEdit& edit : query.query->edits) choose(edit.token);
  const auto by_column = [](const ChosenColumn& a, const ChosenColumn& b) {
    return a.column < b.column;
  };
  const auto same = [](const ChosenColumn& a, const ChosenColumn& b) {
    return a.column == b.column;
  };
  std::sort(chosen_.begin(), chosen_.end(), by_column);
  chosen_.erase(std::unique(chosen_.begin(), chosen_.end(), same), chosen_.end());
  for (const ChosenColumn& chosen : chosen_) row[chosen.column] = kNever;
  return true;
}

void RowSelector::apply_edits(const SelectQuery& query, const ScoreEdit* first) {
  const std::vector<ScoreEdit>& edits = query.query->edits;
  for (const ScoreEdit* edit = first; edit != edits.data() + edits.size(); ++edit) {
    const std::int64_t column = column_of(query, edit->token);
    const auto place = std::lower_bound(
        chosen_.begin(), chosen_.end(), column,
        [](const ChosenColumn& chosen, std::int64_t c) { return chosen.column < c; });
    if (place != chosen_.end() && place->column == column)
      place->score = edited(place->score, *edit);
  }
}

// Step 4, as two more subtractions: from the row through base_, from the chosen columns at once.
void RowSelector::renormalize(const float* row, std::int64_t columns) {
  float maximum = shifted(kernels_->max(row, columns), base_);
  for (const ChosenColumn& chosen : chosen_) maximum = std::max(maximum, chosen.score);
  if (!(maximum > kNever)) return;  // nothing is left to choose from
  ScoreShift shift = base_;
  shift.third = maximum;
  float sum = kernels_->sum_exp(row, columns, shift);
  for (const ChosenColumn& chosen : chosen_) sum += std::exp(chosen.score - maximum);
  const float log_total = maximum + std::log(sum);
  base_.third = log_total;
  for (ChosenColumn& chosen : chosen_) chosen.score -= log_total;
}

// Step 5 over the row and the chosen columns together. A greedy choice is usually the row's
// maximum, which is known: it is only looked up, unless an edit or a mask took it out.
void RowSelector::rank(const float* row, std::int64_t columns, std::int64_t k, float maximum) {
  ranked_.resize(static_cast<std::size_t>(k <= kMaxInsertionK ? k : columns));
  if (k == 0) return;
  const float best = shifted(maximum, base_);
  const std::int64_t place = k == 1 ? kernels_->find_score(row, columns, base_, best) : columns;
  if (place < columns) {
    ranked_.front() = {best, static_cast<std::int32_t>(place)};
  } else if (k <= kMaxInsertionK) {
    ranked_.resize(
        static_cast<std::size_t>(kernels_->top_k(row, columns, base_, k, ranked_.data())));
  } else {
    for (std::int64_t c = 0; c < columns; ++c)
      ranked_[static_cast<std::size_t>(c)] = {shifted(row[c], base_), static_cast<std::int32_t>(c)};
  }
  for (const ChosenColumn& chosen : chosen_) ranked_.push_back({chosen.score, chosen.column});
  ranked_.erase(std::remove_if(ranked_.begin(), ranked_.end(),
                               [](const RankedColumn& r) { return !(r.score > kNever); }),
                ranked_.end());
  const std::size_t kept = std::min(ranked_.size(), static_cast<std::size_t>(k));
  std::partial_sort(ranked_.begin(), ranked_.begin() + static_cast<std::ptrdiff_t>(kept),
                    ranked_.end(), better);
  ranked_.resize(kept);
}

}  // namespace tandem::cpu
