// Hybrid reranking: see tandem/scorer.h.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <tandem/error.h>
#include <tandem/scorer.h>

namespace tandem {
namespace {

void check(std::span<const ScoreColumn> columns) {
  for (const ScoreColumn& column : columns) {
    if (column.values.size() != columns.front().values.size())
      throw Error(ErrorCode::invalid_argument,
                  "a column has " + std::to_string(column.values.size()) + " scores and another " +
                      std::to_string(columns.front().values.size()));
    const bool finite = std::isfinite(column.weight) &&
                        std::all_of(column.values.begin(), column.values.end(),
                                    [](double value) { return std::isfinite(value); });
    if (!finite) throw Error(ErrorCode::invalid_argument, "a score or a weight is not finite");
  }
}

std::vector<double> standardized(std::vector<double> values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (double& value : values) {
    value -= mean;
    squares += value * value;
  }
  const double deviation = std::sqrt(squares / count);
  for (double& value : values) value = deviation > 0 ? value / deviation : 0;
  return values;
}

}  // namespace

std::vector<std::size_t> rank_by_weighted_sum(std::span<const ScoreColumn> columns,
                                              bool standardize) {
  check(columns);
  std::vector<double> sums(columns.empty() ? 0 : columns.front().values.size(), 0.0);
  for (const ScoreColumn& column : columns) {
    const std::vector<double> values = standardize ? standardized(column.values) : column.values;
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += column.weight * values[i];
  }
  std::vector<std::size_t> order(sums.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });
  return order;
}

}  // namespace tandem
