// Listwise ranking in sliding windows: see tandem/scorer.h.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <tandem/error.h>
#include <tandem/scorer.h>

namespace tandem {
namespace {

void check(const WindowOptions& options) {
  if (options.step >= 1 && options.step <= options.window) return;
  throw Error(ErrorCode::invalid_argument,
              "windows of " + std::to_string(options.window) + " items with a step of " +
                  std::to_string(options.step) + "; expected a step from 1 to the window's size");
}

void check(const std::vector<double>& scores, std::size_t expected) {
  if (scores.size() != expected)
    throw Error(ErrorCode::invalid_argument, "the scorer gave " + std::to_string(scores.size()) +
                                                 " scores for a window of " +
                                                 std::to_string(expected) + " items");
  if (std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); }))
    throw Error(ErrorCode::invalid_argument, "the scorer gave a score that is no number (NaN)");
}

void sort_window(std::span<std::size_t> items, const WindowScorer& scorer) {
  const std::vector<double> scores = scorer(items);
  check(scores, items.size());
  std::vector<std::size_t> places(items.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::size_t> sorted;
  for (const std::size_t place : places) sorted.push_back(items[place]);
  std::copy(sorted.begin(), sorted.end(), items.begin());
}

}  // namespace

std::vector<std::size_t> rank_in_windows(std::size_t count, const WindowOptions& options,
                                         const WindowScorer& scorer) {
  check(options);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (count == 0) return order;
  const std::size_t size = std::min(options.window, count);
  std::size_t first = count - size;
  while (true) {
    sort_window(std::span(order).subspan(first, size), scorer);
    if (first == 0) return order;
    first -= std::min(first, options.step);
  }
}

}  // namespace tandem
