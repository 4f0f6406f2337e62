// PassCosts: what a decoder pass over n rows costs, in passes over one row.
//
// A device reads the same weights for one row and for several, so that t(n) grows slowly until the
// arithmetic fills it: to t(8) = 1.2 for a large float32 model on a CPU, to 1.02 on a GPU, but to 4
// for a model that fits into the processor's cache. The table is measured (api/measure_passes.h)
// and says how long a draft pays (draft_length.h).
#pragma once

#include <vector>

namespace tandem {

class PassCosts {
 public:
  struct Point {
    int rows = 1;
    double time = 1;  // in any unit
  };

  // At least one point. Noise only makes a pass slower, so a pass over fewer rows is taken to cost
  // no more than one over more rows, and one over n rows no more than n passes over one.
  // Throws Error{internal} without points, or if the first is not one row.
  explicit PassCosts(std::vector<Point> points);

  // t(rows): linear between the points, beyond the last one as between the last two. t(1) = 1.
  double operator()(int rows) const;

  // The time of a pass over one row, in the unit of the points.
  double unit_time() const { return unit_; }

 private:
  double unit_ = 1;
  std::vector<Point> points_;  // ascending; times relative to the first
};

}  // namespace tandem
