// RowHistories: what has been fed in each row of one sentence, by the protocol of step_decoder.h.
// For rules whose rows depend on the whole output.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "decoding/search.h"

namespace tandem {

class RowHistories {
 public:
  // Takes the rows of the next step.
  void advance(std::span<const Row> rows) {
    const std::vector<std::vector<TokenId>> before = std::move(histories_);
    histories_.clear();
    kept_.clear();
    for (const Row& row : rows) {
      const auto keep = static_cast<std::size_t>(row.keep);
      std::vector<TokenId> history;
      if (row.parent >= 0) history = before[static_cast<std::size_t>(row.parent)];
      history.resize(keep);
      history.insert(history.end(), row.feed.begin(), row.feed.end());
      histories_.push_back(std::move(history));
      kept_.push_back(keep);
    }
  }

  TokenId start(std::size_t row) const { return histories_[row].front(); }
  // The output up to and with fed token `fed` of row `row`, after the start token.
  std::span<const TokenId> output(std::size_t row, std::size_t fed) const {
    return std::span(histories_[row]).first(kept_[row] + fed + 1).subspan(1);
  }

 private:
  // Of each row of this step: what was fed, the start token first, and how much of it before.
  std::vector<std::vector<TokenId>> histories_;
  std::vector<std::size_t> kept_;
};

}  // namespace tandem
