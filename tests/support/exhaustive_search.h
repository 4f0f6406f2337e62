// Every possible output of a tiny model, with its log-probability: the oracle of last resort.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "decoding/path.h"
#include "decoding/search_options.h"
#include "support/table_model.h"

namespace tandem::testing {

struct ScoredOutput {
  std::vector<TokenId> ids;
  double sum = 0;    // of log-probabilities
  double score = 0;  // final_score
};

// All outputs that end with an end token within max_new_tokens, or reach max_new_tokens. Best
// first. Without penalties and bans. Grows with vocabulary_size to the power of max_new_tokens.
inline std::vector<ScoredOutput> all_outputs(const TableModel& model, int sentence,
                                             const SearchOptions& options) {
  std::vector<ScoredOutput> outputs;
  std::vector<ScoredOutput> open{{}};
  while (!open.empty()) {
    const ScoredOutput output = std::move(open.back());
    open.pop_back();
    std::vector<TokenId> history{options.start_token};
    history.insert(history.end(), output.ids.begin(), output.ids.end());
    const auto log_probs = log_softmax(model.logits(sentence, history));
    for (std::size_t token = 0; token < log_probs.size(); ++token) {
      ScoredOutput next = output;
      next.ids.push_back(static_cast<TokenId>(token));
      next.sum += log_probs[token];
      const auto length = static_cast<int>(next.ids.size());
      if (options.is_eos(next.ids.back()) || length == options.max_new_tokens) {
        next.score = final_score(options, next.sum, length);
        outputs.push_back(std::move(next));
      } else {
        open.push_back(std::move(next));
      }
    }
  }
  std::stable_sort(outputs.begin(), outputs.end(),
                   [](const ScoredOutput& a, const ScoredOutput& b) { return a.score > b.score; });
  return outputs;
}

}  // namespace tandem::testing
