#include "decoding/ngram_counts.h"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

using Symbols = std::span<const NgramCounts::Symbol>;

bool is_before(Symbols a, Symbols b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

NgramCounts::NgramCounts(std::vector<Symbol> symbols, int max_order)
    : symbols_(std::move(symbols)), grams_(static_cast<std::size_t>(max_order)) {
  for (int order = 1; order <= max_order; ++order) {
    std::vector<Gram>& grams = grams_[static_cast<std::size_t>(order - 1)];
    for (int i = 0; i < total(order); ++i) grams.push_back({static_cast<std::size_t>(i), 1});
    std::sort(grams.begin(), grams.end(), [&](const Gram& a, const Gram& b) {
      return is_before(symbols_of(a, order), symbols_of(b, order));
    });
    std::vector<Gram> distinct;
    for (const Gram& gram : grams) {
      if (distinct.empty() ||
          is_before(symbols_of(distinct.back(), order), symbols_of(gram, order)))
        distinct.push_back(gram);
      else
        ++distinct.back().count;
    }
    grams = std::move(distinct);
  }
}

int NgramCounts::total(int order) const {
  return std::max(0, static_cast<int>(symbols_.size()) - order + 1);
}

int NgramCounts::shared(const NgramCounts& other, int order) const {
  const auto& mine = grams_.at(static_cast<std::size_t>(order - 1));
  const auto& theirs = other.grams_.at(static_cast<std::size_t>(order - 1));
  int count = 0;
  for (auto a = mine.begin(), b = theirs.begin(); a != mine.end() && b != theirs.end();) {
    const Symbols left = symbols_of(*a, order);
    const Symbols right = other.symbols_of(*b, order);
    if (is_before(left, right)) {
      ++a;
    } else if (is_before(right, left)) {
      ++b;
    } else {
      count += std::min(a->count, b->count);
      ++a;
      ++b;
    }
  }
  return count;
}

}  // namespace tandem
