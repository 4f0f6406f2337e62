// NgramCounts: the n-grams of a sequence of symbols (tokens, characters), prepared so that the
// overlap of two sequences is one merge.
//
// Cost:     O(order * length * log length) to build, O(order * length) to compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

class NgramCounts {
 public:
  using Symbol = std::int32_t;

  // n-grams of 1 to `max_order` symbols.
  NgramCounts(std::vector<Symbol> symbols, int max_order);

  // How many n-grams of `order` there are, each as often as it occurs.
  int total(int order) const;
  // How many of them `other` has too, each counted as often as it occurs in both.
  int shared(const NgramCounts& other, int order) const;

  bool empty() const { return symbols_.empty(); }

 private:
  struct Gram {
    std::size_t first;  // where it begins in symbols_
    int count;
  };

  std::span<const Symbol> symbols_of(const Gram& gram, int order) const {
    return std::span(symbols_).subspan(gram.first, static_cast<std::size_t>(order));
  }

  std::vector<Symbol> symbols_;
  std::vector<std::vector<Gram>> grams_;  // of each order, ascending
};

}  // namespace tandem
