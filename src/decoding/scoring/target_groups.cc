#include "decoding/scoring/target_groups.h"

#include <algorithm>
#include <numeric>

namespace tandem {
namespace {

std::size_t shared_length(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(in_a - a.begin());
}

}  // namespace

std::vector<std::vector<std::size_t>> group_targets(std::span<const std::vector<TokenId>> targets,
                                                    std::size_t max_positions) {
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return targets[a] < targets[b]; });
  std::vector<std::vector<std::size_t>> groups;
  std::size_t positions = 0;
  for (const std::size_t index : order) {
    const std::vector<TokenId>& target = targets[index];
    const std::size_t more =
        groups.empty() ? 0 : target.size() - shared_length(target, targets[groups.back().back()]);
    if (groups.empty() || positions + more > max_positions) {
      groups.emplace_back();
      positions = target.size();
    } else {
      positions += more;
    }
    groups.back().push_back(index);
  }
  return groups;
}

}  // namespace tandem
