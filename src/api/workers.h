// Runs the workers of one call. One request: one worker with all threads, for the shortest time to
// the answer. Several, on a GPU hundreds (device_settings.h): one worker for each thread, each on a
// backend of its own, because sentences need no barriers between them (throughput). An engine with
// replicas does so on each of them.
#pragma once

#include <cstddef>
#include <functional>

#include "api/engine_state.h"

namespace tandem {

// `worker(replica, backend)`: `replica` is the engine itself or one of its replicas, and `backend`
// of its device. Returns when all workers have; rethrows the first exception of any of them. The
// calling thread is one of the workers.
void run_workers(EngineState& engine, std::size_t num_requests,
                 const std::function<void(EngineState&, Backend&)>& worker);

}  // namespace tandem
