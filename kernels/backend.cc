// The op that backends share whose memory is the host's.
#include "kernels/backend.h"

#include <limits>

namespace tandem {

void Backend::select_best(MatrixView logits, std::span<const SelectQuery> queries,
                          Candidate* best) {
  std::vector<SelectAnswer> answers(queries.size());
  select(logits, queries, answers, best, /*out_stride=*/1);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (answers[i].count > 0) continue;
    best[i] = {};
    if (answers[i].status == SelectStatus::not_a_number)
      best[i].log_prob = std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace tandem
