#include "api/workers.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "api/device_settings.h"

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

struct Place {
  EngineState* replica;
  int threads;  // of one worker
};

std::vector<Place> places_of_workers(EngineState& engine, std::size_t num_requests) {
  const std::vector<EngineState*> replicas = choose_replicas(engine, num_requests);
  std::vector<Place> places;
  for (EngineState* replica : replicas) {
    const int threads = replica->backends.max_threads();
    const std::size_t least = least_requests_of_worker(replica->options.device);
    const bool one_each =
        num_requests >= replicas.size() * static_cast<std::size_t>(threads) * least;
    if (one_each)
      places.insert(places.end(), static_cast<std::size_t>(threads), {replica, 1});
    else
      places.push_back({replica, threads});
  }
  return places;
}

}  // namespace

void run_workers(EngineState& engine, std::size_t num_requests,
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
    const std::vector<Place> places = places_of_workers(engine, num_requests);
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < places.size(); ++i) others.emplace_back(guarded, places[i]);
    guarded(places.front());
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace tandem
