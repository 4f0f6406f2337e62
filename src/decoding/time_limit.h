// TimeLimit: any search, ended when its time is up.
//
// What it does:   hands everything through to the search inside; once `max_time` has passed since
//                 the search began, there are no further steps and the results are the best so far,
//                 with the finish reason that the length limit gives.
// Cost:           one reading of the clock a step. A step that has begun is finished, so the limit
//                 is exceeded by at most one step.
// Source:         transformers, generation/stopping_criteria.py `MaxTimeCriteria`.
// Differs:        there the clock starts with the call; here with the request's own first step, so
//                 that a request that had to wait for others is not cut short by them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "decoding/search.h"

namespace tandem {

class TimeLimit : public Search {
 public:
  using Clock = std::chrono::steady_clock;

  // `now` stands for the clock in tests.
  TimeLimit(std::unique_ptr<Search> search, double seconds,
            std::function<Clock::time_point()> now = Clock::now);

  void prepare(int sentences) override { search_->prepare(sentences); }
  std::span<const Row> rows() const override;
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override { return search_->results(); }
  std::span<const TokenId> settled() const override { return search_->settled(); }
  Stats stats() const override { return search_->stats(); }
  std::optional<double> log_evidence() const override { return search_->log_evidence(); }

 private:
  const std::unique_ptr<Search> search_;
  const std::function<Clock::time_point()> now_;
  const Clock::time_point start_;
  const std::chrono::duration<double> limit_;
  bool over_ = false;
};

}  // namespace tandem
