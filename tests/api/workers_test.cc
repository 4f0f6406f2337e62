// Laws of workers: a call goes where the fewest run, large calls go to all devices, and no worker's
// batch is more than its share.
#include "api/workers.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {
namespace {

std::unique_ptr<EngineState> on_two_devices(int threads, Device second = Device::cpu()) {
  EngineOptions options;
  options.device = Device::cpu();
  options.more_devices = {second};
  options.threads = threads;
  return std::make_unique<EngineState>(std::string(TANDEM_GOLDEN_DIR) + "/hf/marian", options);
}

// How many workers of a call run on each replica.
std::map<EngineState*, int> workers_of(EngineState& engine, std::size_t num_requests) {
  std::map<EngineState*, int> workers;
  std::mutex mutex;
  run_workers(engine, {.requests = num_requests}, [&](EngineState& replica, Backend&) {
    const std::lock_guard lock(mutex);
    ++workers[&replica];
  });
  return workers;
}

TEST(Workers, OneRequestRunsWhereTheFewestDo) {
  const auto engine = on_two_devices(1);
  EngineState* const first = engine.get();
  EngineState* const second = engine->replicas.front().get();
  run_workers(*engine, {.requests = 1}, [&](EngineState& busy, Backend&) {
    EXPECT_EQ(&busy, first);
    run_workers(*engine, {.requests = 1}, [&](EngineState& also_busy, Backend&) {
      EXPECT_EQ(&also_busy, second);
      EXPECT_EQ(workers_of(*engine, 1), (std::map<EngineState*, int>{{first, 1}}));
    });
    EXPECT_EQ(workers_of(*engine, 1), (std::map<EngineState*, int>{{second, 1}}));
  });
  EXPECT_EQ(workers_of(*engine, 1), (std::map<EngineState*, int>{{first, 1}}));
}

TEST(Workers, SeveralRequestsRunOnAllDevicesAndManyOnAllThreads) {
  for (const int threads : {1, 3}) {
    const auto engine = on_two_devices(threads);
    EngineState* const second = engine->replicas.front().get();
    const auto each = [&](int count) {
      return std::map<EngineState*, int>{{engine.get(), count}, {second, count}};
    };
    EXPECT_EQ(workers_of(*engine, 2), each(1));
    EXPECT_EQ(workers_of(*engine, static_cast<std::size_t>(4 * threads)), each(threads));
  }
}

TEST(Workers, AnExceptionOfAnyReplicaComesOutWhenAllAreDone) {
  const auto engine = on_two_devices(1);
  for (EngineState* const failing : {engine.get(), engine->replicas.front().get()}) {
    std::atomic<int> done{0};
    EXPECT_THROW(run_workers(*engine, {.requests = 2},
                             [&](EngineState& replica, Backend&) {
                               if (&replica == failing) throw Error(ErrorCode::device, "test");
                               ++done;
                             }),
                 Error);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(engine->backends.leased(), 0);
  }
}

TEST(Workers, ADeviceThatIsNotThereFailsTheLoad) {
  EXPECT_THROW(on_two_devices(1, Device::cuda(99)), Error);
}

TEST(Workers, ABatchIsAtMostAShareOfTheCall) {
  for (const int threads : {1, 2, 3}) {
    const auto engine = on_two_devices(threads);
    const auto workers = static_cast<std::size_t>(2 * threads);
    const auto most = static_cast<std::size_t>(engine->options.batch_tokens);
    for (const std::size_t tokens : {std::size_t{100}, most * workers, std::size_t{100000}}) {
      const CallSize size{.requests = 4 * workers, .batched_tokens = tokens};
      const std::size_t batch = batch_tokens(*engine, *engine->replicas.front(), size);
      EXPECT_LE(batch, most);
      EXPECT_GE(batch * workers, std::min(tokens, most * workers));
      EXPECT_LE((batch - 1) * workers, tokens);
    }
  }
}

// A device's settings need no device to be asked: a GPU's batch is large, so few tokens are one.
TEST(Workers, AGpuTakesWhatFitsABatchAsOne) {
  const auto engine = on_two_devices(1);
  for (EngineState* replica : {engine.get(), engine->replicas.front().get()}) {
    replica->options.device = Device::cuda(0);
    replica->options.batch_tokens = 1000;
  }
  const auto batch_of = [&](std::size_t tokens) {
    return batch_tokens(*engine, *engine, {.requests = 500, .batched_tokens = tokens});
  };
  EXPECT_EQ(batch_of(600), 301U);  // one worker on each of two devices
  EXPECT_EQ(batch_of(2000), 1000U);
  EXPECT_EQ(batch_of(90000), 1000U);
}

}  // namespace
}  // namespace tandem
