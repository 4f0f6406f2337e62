// Laws of the thread pool.
#include "base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tandem/error.h>

namespace tandem {
namespace {

TEST(ThreadPool, EveryIndexIsVisitedOnceAndNoRangeIsEmpty) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 3, 7, 8, 9, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      pool.parallel_for(count, [&](std::int64_t begin, std::int64_t end, int worker) {
        EXPECT_LT(begin, end);
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, pool.size());
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visit : visits) EXPECT_EQ(visit.load(), 1) << threads << " " << count;
    }
  }
}

TEST(ThreadPool, WritesOfWorkersAreSeenByTheCallerAndByTheNextLoop) {
  ThreadPool pool(3);
  std::vector<std::int64_t> values(64, 0);
  for (int round = 0; round < 2000; ++round)
    pool.parallel_for(64, [&](std::int64_t begin, std::int64_t end, int) {
      // Reads what another worker may have written in the round before.
      for (std::int64_t i = begin; i < end; ++i) values[static_cast<std::size_t>(i)] += 1;
    });
  for (const std::int64_t value : values) EXPECT_EQ(value, 2000);
}

TEST(ThreadPool, WorkersWakeUpAfterTheyHaveParked) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<std::int64_t> sum = 0;
    pool.parallel_for(10, [&](std::int64_t begin, std::int64_t end, int) { sum += end - begin; });
    EXPECT_EQ(sum.load(), 10);
  }
}

TEST(ThreadPool, AnExceptionOfAnyWorkerReachesTheCallerAndThePoolGoesOn) {
  ThreadPool pool(4);
  for (int thrower = 0; thrower < 4; ++thrower) {
    std::atomic<int> ended = 0;
    EXPECT_THROW(pool.parallel_for(4,
                                   [&](std::int64_t, std::int64_t, int worker) {
                                     ++ended;
                                     if (worker == thrower) throw std::runtime_error("planned");
                                   }),
                 std::runtime_error);
    EXPECT_EQ(ended.load(), 4);
    std::atomic<int> visits = 0;
    pool.parallel_for(4, [&](std::int64_t, std::int64_t, int) { ++visits; });
    EXPECT_EQ(visits.load(), 4);
  }
}

TEST(ThreadPool, RefusesSenselessSizes) {
  EXPECT_THROW(ThreadPool(0), Error);
  EXPECT_THROW(ThreadPool(-1), Error);
  EXPECT_THROW(ThreadPool(1 << 20), Error);
}

#if !defined(__SANITIZE_THREAD__)  // ThreadSanitizer does not support forking a threaded process
TEST(ThreadPool, AChildOfForkComputesOnItsOwnThreadAndEnds) {
  ThreadPool pool(3);
  std::atomic<int> warm = 0;
  pool.parallel_for(3, [&](std::int64_t, std::int64_t, int) { ++warm; });
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::int64_t sum = 0;
    pool.parallel_for(10, [&](std::int64_t begin, std::int64_t end, int) { sum += end - begin; });
    _exit(sum == 10 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace
}  // namespace tandem
