// EngineSession: another engine than the request's own, at work for one worker of a call: its
// weights behind a backend and caches of the worker's own. For draft models and ensembles.
#pragma once

#include <map>
#include <memory>

#include "api/backend_pool.h"
#include "api/engine_state.h"
#include "api/model_decoder.h"

namespace tandem {

struct EngineSession {
  // On one thread: the worker waits for it. Throws Error as EngineState::of.
  explicit EngineSession(std::shared_ptr<const Engine> other_engine);

  const EncoderDecoder& network() const { return *state.model.network; }
  // Throws Error as EncoderDecoder::encode.
  std::shared_ptr<const EncodedSource> encode(const Source& source) const;

  std::shared_ptr<const Engine> engine;  // keeps `state` alive
  EngineState& state;
  BackendPool::Lease backend;
  std::shared_ptr<ModelDecoder> decoder;
};

// The sessions of one worker, one for each engine that it has met.
class EngineSessions {
 public:
  EngineSession& get(const std::shared_ptr<const Engine>& engine);

 private:
  std::map<const Engine*, EngineSession> sessions_;
};

}  // namespace tandem
