#include "decoding/settled_prefix.h"

#include <algorithm>

namespace tandem {

void SettledPrefix::update(std::span<const std::span<const TokenId>> outputs) {
  if (outputs.empty()) return;
  const auto first = outputs.front();
  for (std::size_t at = tokens_.size(); at < first.size(); ++at) {
    const TokenId token = first[at];
    const bool shared = std::all_of(
        outputs.begin(), outputs.end(),
        [&](std::span<const TokenId> output) { return at < output.size() && output[at] == token; });
    if (!shared) return;
    tokens_.push_back(token);
  }
}

void SettledPrefix::update(const std::vector<Hypothesis>& outputs) {
  std::vector<std::span<const TokenId>> ids;
  for (const Hypothesis& output : outputs) ids.emplace_back(output.ids);
  update(ids);
}

}  // namespace tandem
