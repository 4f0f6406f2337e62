#include "decoding/time_limit.h"

#include <utility>

namespace tandem {

TimeLimit::TimeLimit(std::unique_ptr<Search> search, double seconds,
                     std::function<Clock::time_point()> now)
    : search_(std::move(search)), now_(std::move(now)), start_(now_()), limit_(seconds) {}

std::span<const Row> TimeLimit::rows() const {
  return over_ ? std::span<const Row>() : search_->rows();
}

void TimeLimit::advance(const Candidates& candidates) {
  search_->advance(candidates);
  over_ = now_() - start_ >= limit_;
}

}  // namespace tandem
