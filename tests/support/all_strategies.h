// Every search that a constraint must hold in, on table models: one line each.
#pragma once

#include <vector>

#include "decoding/search_options.h"

namespace tandem::testing {

inline std::vector<SearchOptions> all_strategies(const SearchOptions& options) {
  std::vector<SearchOptions> all(5, options);
  all[1].strategy = Aggressive{};
  for (std::size_t i = 2; i < all.size(); ++i) all[i].num_beams = all[i].num_return_sequences = 4;
  all[2].strategy = Beam{};
  all[3].strategy = DiverseBeam{};
  all[3].num_beam_groups = 2;
  all[3].diversity_penalty = 0.7;
  all[4].strategy = Beam{};
  all[4].profile = Profile::marian;
  return all;
}

}  // namespace tandem::testing
