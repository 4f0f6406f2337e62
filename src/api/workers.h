// Runs the workers of one call. One request: one worker with all threads, for the shortest time to
// the answer. Several: one worker for each thread, each on a backend of its own, because sentences
// need no barriers between them (throughput).
#pragma once

#include <cstddef>
#include <functional>

#include "api/backend_pool.h"

namespace tandem {

// Returns when all workers have; rethrows the first exception of any of them. The calling thread
// is one of the workers.
void run_workers(BackendPool& backends, std::size_t num_requests, const std::function<void(Backend&)>& worker);

}  // namespace tandem
