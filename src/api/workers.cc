#include "api/workers.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tandem {
namespace {

// Those that a call of so many requests runs on: one for each request at most, the least busy ones.
std::vector<EngineState*> choose_replicas(EngineState& engine, std::size_t num_requests) {
  std::vector<std::pair<int, EngineState*>> by_use{{engine.backends.leased(), &engine}};
  for (const auto& replica : engine.replicas)
    by_use.emplace_back(replica->backends.leased(), replica.get());
  std::ranges::stable_sort(by_use, {}, &std::pair<int, EngineState*>::first);
  by_use.resize(std::clamp<std::size_t>(num_requests, 1, by_use.size()));
  std::vector<EngineState*> chosen;
  for (const auto& [use, replica] : by_use) chosen.push_back(replica);
  return chosen;
}

// Workers of one of so many replicas. With fewer requests than kRequestsPerThread for each thread,
// splitting one product over the threads is faster than giving each thread its own sentences.
std::size_t workers_of(const EngineState& replica, std::size_t replicas, const CallSize& size) {
  constexpr std::size_t kRequestsPerThread = 2;
  const auto threads = static_cast<std::size_t>(replica.backends.max_threads());
  if (replica.options.device.kind() == Device::Kind::cuda && size.batched_tokens > 0) {
    const std::size_t batch = replicas * static_cast<std::size_t>(replica.options.batch_tokens);
    return std::clamp<std::size_t>((size.batched_tokens + batch - 1) / batch, 1, threads);
  }
  return size.requests >= replicas * threads * kRequestsPerThread ? threads : 1;
}

struct Place {
  EngineState* replica;
  int threads;  // of one worker
};

std::vector<Place> places_of_workers(EngineState& engine, const CallSize& size) {
  const std::vector<EngineState*> replicas = choose_replicas(engine, size.requests);
  std::vector<Place> places;
  for (EngineState* replica : replicas) {
    const std::size_t workers = workers_of(*replica, replicas.size(), size);
    const int threads = workers == 1 ? replica->backends.max_threads() : 1;
    places.insert(places.end(), workers, {replica, threads});
  }
  return places;
}

}  // namespace

std::size_t batch_tokens(const EngineState& engine, const EngineState& replica,
                         const CallSize& size) {
  const std::size_t replicas =
      std::clamp<std::size_t>(size.requests, 1, 1 + engine.replicas.size());
  std::size_t workers = workers_of(engine, replicas, size);
  for (std::size_t i = 1; i < replicas; ++i)
    workers += workers_of(*engine.replicas[i - 1], replicas, size);
  return std::min(static_cast<std::size_t>(replica.options.batch_tokens),
                  size.batched_tokens / workers + 1);
}

void run_workers(EngineState& engine, const CallSize& size,
                 const std::function<void(EngineState&, Backend&)>& worker) {
  std::mutex mutex;
  std::exception_ptr first;
  const auto guarded = [&](const Place& place) {
    try {
      const BackendPool::Lease backend = place.replica->backends.lease(place.threads);
      worker(*place.replica, *backend);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
    }
  };
  {
    const std::vector<Place> places = places_of_workers(engine, size);
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < places.size(); ++i) others.emplace_back(guarded, places[i]);
    guarded(places.front());
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace tandem
