#include "decoding/pass_costs.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace tandem {

PassCosts::PassCosts(std::vector<Point> points) : points_(std::move(points)) {
  TANDEM_CHECK(!points_.empty() && points_.front().rows == 1);
  for (std::size_t i = points_.size() - 1; i > 0; --i) {
    TANDEM_CHECK(points_[i - 1].rows < points_[i].rows);
    points_[i - 1].time = std::min(points_[i - 1].time, points_[i].time);
  }
  unit_ = points_.front().time;
  TANDEM_CHECK(unit_ > 0);
  for (Point& point : points_)
    point.time = std::min(point.time / unit_, static_cast<double>(point.rows));
}

double PassCosts::operator()(int rows) const {
  if (points_.size() == 1) return rows;
  auto right = std::find_if(points_.begin() + 1, points_.end(),
                            [&](const Point& point) { return point.rows >= rows; });
  if (right == points_.end()) --right;
  const auto left = right - 1;
  const double slope = (right->time - left->time) / (right->rows - left->rows);
  return left->time + slope * (rows - left->rows);
}

}  // namespace tandem
