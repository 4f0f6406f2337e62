// Answers one CandidateQuery over one row of logits: the five steps of base/candidate.h.
//
// Cost: a pass for the maximum, one for the sum of exponentials and one for the k best, each bound
// by reading the row; a bit mask adds one pass, renormalising two. With a mask that lists its
// tokens only the listed columns are ranked. A query that is not ranked costs one pass that writes.
// Edited and listed columns are kept apart from the row ("chosen columns"), so that few edits cost
// little however wide the row is.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/kernel_table.h"

namespace tandem::cpu {

class RowSelector {
 public:
  explicit RowSelector(const Kernels& kernels) : kernels_(&kernels) {}

  // Writes at most query.query->top_k candidates to `out`. The row may be overwritten.
  SelectAnswer select(float* row, const SelectQuery& query, Candidate* out);

 private:
  struct ChosenColumn {
    std::int32_t column;
    float logit;  // as the model gave it
    float score;  // after the edits
  };

  // Column of a token, or -1 if the row has none.
  static std::int64_t column_of(const SelectQuery& query, TokenId token);
  void mask_row(float* row, const SelectQuery& query) const;
  // Which columns are scored one by one; returns whether the rest of the row counts as well.
  bool choose_columns(float* row, const SelectQuery& query, const ScoreEdit* force);
  void apply_edits(const SelectQuery& query, const ScoreEdit* first);
  void renormalize(const float* row, std::int64_t columns);
  void rank(const float* row, std::int64_t columns, std::int64_t k, float maximum);
  // The answer to a query that is not ranked.
  SelectAnswer list(const float* row, const SelectQuery& query, const ScoreShift& log_softmax,
                    Candidate* out) const;

  const Kernels* kernels_;
  ScoreShift base_{};                 // steps 1 and 4 for columns of the row
  std::vector<ChosenColumn> chosen_;  // ascending columns
  std::vector<RankedColumn> ranked_;
};

}  // namespace tandem::cpu
