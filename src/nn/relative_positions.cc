#include "nn/relative_positions.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace tandem {

int relative_bucket(std::int64_t distance, const RelativeBuckets& buckets) {
  int first = 0, count = buckets.buckets;
  if (buckets.direction == Direction::both) {
    count /= 2;
    if (distance > 0) first = count;
    distance = std::abs(distance);
  } else {
    distance = std::max<std::int64_t>(-distance, 0);
  }
  const int exact = count / 2;
  if (distance < exact) return first + static_cast<int>(distance);
  // In float32, as the models were trained: at a bucket's edge the rounding decides.
  const double range = std::log(static_cast<double>(buckets.max_distance) / exact);
  const float grown = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                      static_cast<float>(range) * static_cast<float>(count - exact);
  return first + std::min(exact + static_cast<int>(grown), count - 1);
}

Tensor bias_by_distance(const Tensor& table, const RelativeBuckets& buckets) {
  TANDEM_CHECK(table.shape().rank() == 2 && table.shape()[0] == buckets.buckets);
  TANDEM_CHECK(buckets.buckets >= 4 && buckets.max_distance > buckets.buckets / 2);
  const std::int64_t heads = table.shape()[1], reach = buckets.max_distance;
  Tensor bias = Tensor::zeros({heads, 2 * reach + 1}, DType::float32);
  const auto from = table.data<float>();
  const auto to = bias.mutable_data<float>();
  for (std::int64_t distance = -reach; distance <= reach; ++distance) {
    const std::int64_t bucket = relative_bucket(distance, buckets);
    for (std::int64_t head = 0; head < heads; ++head)
      to[static_cast<std::size_t>(head * (2 * reach + 1) + reach + distance)] =
          from[static_cast<std::size_t>(bucket * heads + head)];
  }
  return bias;
}

}  // namespace tandem
