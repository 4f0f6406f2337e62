// Runs the workers of one call. One request: one worker with all threads, for the shortest time to
// the answer. Several: one worker for each thread, each on a backend of its own, because sentences
// need no barriers between them (throughput). On a GPU sentences that fit one batch are one: each
// of its steps reads all weights. An engine with replicas does so on each of them.
#pragma once

#include <cstddef>
#include <functional>

#include "api/engine_state.h"

namespace tandem {

// What a call has for its workers.
struct CallSize {
  std::size_t requests = 0;
  // What all requests count for, if workers decode them in batches; 0 if they answer one by one.
  std::size_t batched_tokens = 0;
};

// How many tokens a worker on `replica` decodes together at most, as EngineOptions::batch_tokens
// counts them: what its options say, and no more than its share of the call, so that none waits for
// what another has taken.
std::size_t batch_tokens(const EngineState& engine, const EngineState& replica,
                         const CallSize& size);

// `worker(replica, backend)`: `replica` is the engine itself or one of its replicas, and `backend`
// of its device. Returns when all workers have; rethrows the first exception of any of them. The
// calling thread is one of the workers.
void run_workers(EngineState& engine, const CallSize& size,
                 const std::function<void(EngineState&, Backend&)>& worker);

}  // namespace tandem
