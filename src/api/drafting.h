// What aggressive decoding needs from the engines: measured costs of passes, and a draft model at
// work. One Drafting serves one worker of a call.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "api/backend_pool.h"
#include "api/engine_state.h"
#include "api/model_decoder.h"
#include "decoding/make_search.h"

namespace tandem {

class Drafting {
 public:
  // Both must outlive this.
  Drafting(EngineState& engine, Backend& backend) : engine_(engine), backend_(backend) {}

  // Nothing for other strategies. Throws Error as EncoderDecoder::encode.
  DraftSupport support(const PreparedRequest& request,
                       const std::shared_ptr<const EncodedSource>& source);

 private:
  // A draft engine in use: its weights behind a backend and caches of this worker's own.
  struct Session {
    explicit Session(std::shared_ptr<const Engine> engine);

    std::shared_ptr<const Engine> engine;  // keeps `state` alive
    EngineState& state;
    BackendPool::Lease backend;
    std::shared_ptr<ModelDecoder> decoder;
  };

  std::unique_ptr<Drafter> model_drafter(const PreparedRequest& request,
                                         const std::shared_ptr<const Engine>& engine,
                                         const PassCosts* costs);

  EngineState& engine_;
  Backend& backend_;
  std::map<const Engine*, Session> sessions_;
};

// Checks that `draft_model` can draft for `engine` and encodes the request's input for it. Throws
// Error{invalid_argument} where the target vocabularies differ, and as encode_source.
Source prepare_draft_source(const EngineState& engine, const Engine& draft_model,
                                          const Request& request);

}  // namespace tandem
