#include "api/coverage.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <tandem/error.h>

namespace tandem {
namespace {

// sum over source tokens of log min(attention, 1); `weights` has a row for each token of the
// output.
double coverage(const std::vector<std::vector<float>>& weights) {
  double sum = 0;
  for (std::size_t j = 0; !weights.empty() && j < weights.front().size(); ++j) {
    double attention = 0;
    for (const std::vector<float>& row : weights) attention += static_cast<double>(row[j]);
    sum += std::log(std::min(attention, 1.0));
  }
  return sum;
}

}  // namespace

void check_coverage(const EngineState& engine, const PreparedRequest& request) {
  if (request.options.coverage_penalty == 0) return;
  const char* problem = nullptr;
  if (engine.model.network->spec().guided_alignment_layer < 0) problem = "this model has no alignment";
  if (!request.log_weights.empty() || request.ensemble || request.copy || request.actions)
    problem = "rows that are mixed of several have no attention of their own";
  if (problem != nullptr)
    throw Error(ErrorCode::unsupported, std::string("coverage_penalty: ") + problem);
}

void rank_by_coverage(const SearchOptions& options, const Aligner& align, Output& output) {
  if (options.coverage_penalty == 0) return;
  std::vector<Hypothesis>& all = output.hypotheses;
  for (Hypothesis& hypothesis : all)
    hypothesis.score += options.coverage_penalty * coverage(align(hypothesis));
  std::stable_sort(all.begin(), all.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  const auto wanted = static_cast<std::size_t>(options.num_return_sequences);
  if (all.size() > wanted) all.resize(wanted);
  output.stats.generated_tokens = static_cast<std::int64_t>(all.front().ids.size());
}

}  // namespace tandem
