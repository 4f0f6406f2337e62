// What searches share that hold several outputs side by side, some of which still run: the rows of
// the next step and what can be streamed.
//
// An output is any struct with these members:
//   Path path;
//   int row;    // of the search's rows, while it runs; outputs that were one so far share a row
//   bool runs;
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "decoding/path.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

// One row for each output that runs, in order; `row` becomes its place. `query(path)` is what is
// asked about it.
template <typename Output, typename Query>
std::vector<Row> rows_of_running(std::vector<Output>& outputs, const Query& query) {
  std::vector<Row> rows;
  for (Output& output : outputs) {
    if (!output.runs) continue;
    const int parent = std::exchange(output.row, static_cast<int>(rows.size()));
    rows.push_back(next_row(output.path, parent, query(output.path)));
  }
  return rows;
}

// Settles what all results will start with: of the results once nothing runs; before that of all
// outputs, if no constraint can end one of them.
template <typename Output>
void settle_running(const SearchOptions& options, const Search& search,
                    const std::vector<Output>& outputs, SettledPrefix& settled) {
  if (search.rows().empty()) return settled.update(search.results());
  if (options.constraint) return;
  std::vector<std::span<const TokenId>> ids;
  for (const Output& output : outputs) ids.push_back(output.path.ids());
  settled.update(ids);
}

}  // namespace tandem
