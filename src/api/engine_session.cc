#include "api/engine_session.h"

#include <utility>

namespace tandem {

EngineSession::EngineSession(std::shared_ptr<const Engine> other_engine)
    : engine(std::move(other_engine)),
      state(EngineState::of(*engine)),
      backend(state.backends.lease(1)),
      decoder(std::make_shared<ModelDecoder>(*state.model.network, *backend)) {}

std::shared_ptr<const EncodedSource> EngineSession::encode(const Source& source) const {
  const EncoderInput inputs[] = {source.input()};
  return network().encode(*backend, inputs, decoder->workspace()).front();
}

EngineSession& EngineSessions::get(const std::shared_ptr<const Engine>& engine) {
  return sessions_.try_emplace(engine.get(), engine).first->second;
}

}  // namespace tandem
