#include "models/added_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <tandem/error.h>

namespace tandem {

AddedEmbedding ScalarEmbedding::at(std::size_t position, float value) const {
  if (!bias.empty() && bias.size() != weight.size())
    throw Error(ErrorCode::invalid_argument,
                "the embedding of a number has " + std::to_string(weight.size()) +
                    " weights and a bias of " + std::to_string(bias.size()) +
                    "; expected the same number or no bias");
  AddedEmbedding added{position, weight};
  for (std::size_t d = 0; d < weight.size(); ++d)
    added.values[d] = weight[d] * value + (bias.empty() ? 0.0F : bias[d]);
  return added;
}

void check_added(const EncoderInput& source, std::int64_t model_dim) {
  const auto refuse = [](const std::string& problem) {
    throw Error(ErrorCode::invalid_argument, "added_embeddings: " + problem);
  };
  if (!source.added.empty() && source.features != nullptr)
    refuse("this model reads features, not tokens");
  for (const AddedEmbedding& added : source.added) {
    const std::string position = "position " + std::to_string(added.position);
    if (added.position >= source.ids.size())
      refuse(position + " is beyond the source, which has " + std::to_string(source.ids.size()) +
             " tokens");
    if (added.values.size() != static_cast<std::size_t>(model_dim))
      refuse(position + " has " + std::to_string(added.values.size()) + " values; expected " +
             std::to_string(model_dim));
    if (!std::ranges::all_of(added.values, [](float value) { return std::isfinite(value); }))
      refuse(position + " has a value that is not finite");
  }
}

AddedRows plan_added(Backend& backend, std::span<const EncoderInput> sources,
                     std::int64_t model_dim, ModelWorkspace& workspace) {
  std::map<std::int64_t, std::vector<float>> sums;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (const AddedEmbedding& added : sources[s].added) {
      const std::int64_t row =
          workspace.sentences[s].first + static_cast<std::int64_t>(added.position);
      const auto [place, is_new] = sums.try_emplace(row, added.values);
      if (!is_new)
        std::ranges::transform(place->second, added.values, place->second.begin(), std::plus<>{});
    }
  }
  if (sums.empty()) return {};
  workspace.added_rows.clear();
  workspace.added_values.clear();
  for (const auto& [row, values] : sums) {
    workspace.added_rows.push_back(static_cast<std::int32_t>(row));
    workspace.added_values.insert(workspace.added_values.end(), values.begin(), values.end());
  }
  const MatrixView values = workspace.layers.added.matrix(
      backend, static_cast<std::int64_t>(workspace.added_rows.size()), model_dim);
  backend.to_device(values.raw(), workspace.added_values.data(),
                    workspace.added_values.size() * sizeof(float));
  return {workspace.added_rows, values};
}

}  // namespace tandem
