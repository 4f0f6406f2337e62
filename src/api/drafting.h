// What aggressive decoding needs from the engines: measured costs of passes, and a draft model at
// work. One Drafting serves one worker of a call.
#pragma once

#include <memory>
#include <string>

#include "api/engine_session.h"
#include "api/engine_state.h"
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
  std::unique_ptr<Drafter> model_drafter(const PreparedRequest& request,
                                         const std::shared_ptr<const Engine>& engine,
                                         const PassCosts* costs);

  EngineState& engine_;
  Backend& backend_;
  EngineSessions sessions_;
};

// Checks that `draft_model` can draft for `engine` and encodes the request's input for it. Throws
// Error{invalid_argument} where the target vocabularies differ, and as encode_source.
Source prepare_draft_source(const EngineState& engine, const Engine& draft_model,
                            const Request& request);

}  // namespace tandem
