// Splits many targets into groups that are decoded together, so that memory stays bounded however
// many there are. Targets that begin alike are put side by side, where their beginning is shared.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// Indices of `targets`, each once. A group has at most `max_positions` distinct beginnings, or a
// single target. Cost: that of sorting the targets.
std::vector<std::vector<std::size_t>> group_targets(std::span<const std::vector<TokenId>> targets,
                                                    std::size_t max_positions);

}  // namespace tandem
