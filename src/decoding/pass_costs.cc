#include "decoding/pass_costs.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tandem {

PassCosts::PassCosts(std::vector<Point> points) : points_(std::move(points)) {
  TANDEM_CHECK(!points_.empty() && points_.front().rows == 1 && points_.front().time > 0);
  unit_ = points_.front().time;
  double least = 1;
  int previous = 0;
  for (Point& point : points_) {
    TANDEM_CHECK(point.rows > previous);
    previous = point.rows;
    point.time =
        std::clamp(point.time / unit_, least, std::max(least, static_cast<double>(point.rows)));
    least = point.time;
  }
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
