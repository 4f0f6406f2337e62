// Every output that sampling can give on a tiny model, with the probability that it does.
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "decoding/path.h"
#include "decoding/search_options.h"
#include "support/huggingface_oracle.h"
#include "support/table_model.h"
#include "support/warper_oracle.h"

namespace tandem::testing {

// Outputs without their prefix's part in the probability. Where the constraint leaves nothing, an
// output is lost, and the sum of all is below one.
inline std::map<std::vector<TokenId>, double> sampled_outputs(const TableModel& model, int sentence,
                                                              const SearchOptions& options) {
  const HuggingFaceOracle processors(model, sentence, options);
  const WarperOracle warpers(options.warpers);
  std::map<std::vector<TokenId>, double> outputs;
  std::vector<std::pair<Path, double>> open;
  open.emplace_back(Path::start(options).path, 1.0);
  while (!open.empty()) {
    const auto [path, reached] = std::move(open.back());
    open.pop_back();
    auto scores = processors.process(path.history, model.logits(sentence, path.history));
    double best = -INFINITY;
    for (std::size_t token = 0; token < scores.size(); ++token) {
      const auto id = static_cast<TokenId>(token);
      const bool allowed =
          !path.constraint ||
          (options.is_eos(id) ? path.constraint->can_end() : path.constraint->allowed().allows(id));
      if (!allowed) scores[token] = -INFINITY;
      best = std::max(best, scores[token]);
    }
    if (best == -INFINITY) continue;
    const auto probabilities = warpers.probabilities(scores);
    for (std::size_t token = 0; token < probabilities.size(); ++token) {
      if (probabilities[token] == 0) continue;
      Path next = path.fork();
      next.append(options, static_cast<TokenId>(token));
      const double probability = reached * probabilities[token];
      const bool is_full = next.generated(options) == options.max_new_tokens;
      if (next.ended(options) || (is_full && next.acceptable(options)))
        outputs[{next.history.begin() + 1, next.history.end()}] = probability;
      else if (!is_full)
        open.emplace_back(std::move(next), probability);
    }
  }
  return outputs;
}

}  // namespace tandem::testing
