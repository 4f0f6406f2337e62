#include "decoding/conditional_beam.h"

#include <cmath>
#include <utility>
#include <vector>

#include "decoding/prefix_scores.h"

namespace tandem {

ConditionalBeamSearch::ConditionalBeamSearch(SearchOptions options, ConditionalBeam condition)
    : BeamSearch(std::move(options), condition.candidates), condition_(std::move(condition)) {}

void ConditionalBeamSearch::extend(const Candidates& candidates) {
  std::vector<Extension> extensions = all_extensions(candidates);
  std::vector<std::vector<TokenId>> prefixes;
  for (const Extension& extension : extensions) {
    const auto ids = group().running()[static_cast<std::size_t>(extension.parent)].ids();
    prefixes.emplace_back(ids.begin(), ids.end()).push_back(extension.candidate.token);
  }
  if (!prefixes.empty()) {
    const auto scores = score_prefixes(condition_.scorer, options().source, prefixes);
    for (std::size_t i = 0; i < scores.size(); ++i)
      extensions[i].bonus = std::isinf(scores[i]) ? scores[i] : condition_.weight * scores[i];
  }
  std::erase_if(extensions, [](const Extension& extension) { return std::isinf(extension.bonus); });
  group().extend(std::move(extensions));
}

}  // namespace tandem
