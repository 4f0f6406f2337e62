// How much one step of a search may ask for, so that it can be refused before memory is taken.
#pragma once

#include <cstddef>

#include "decoding/search_options.h"

namespace tandem {

struct StepSize {
  std::size_t rows = 1;        // that are asked about
  std::size_t candidates = 1;  // in each, at most
};

// Bounds for the search of `options`, which are resolved but for bans and stops. `whole_rows`: the
// answers are made from whole rows, whatever the search needs of them.
StepSize step_size(const SearchOptions& options, bool whole_rows);

}  // namespace tandem
