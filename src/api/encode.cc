// Engine::encode: the path of generate.cc as far as the encoder.
#include "api/answer_each.h"
#include "api/engine_state.h"
#include "api/forced_pass.h"
#include "api/input_ids.h"

namespace tandem {
namespace {

Encoding encode_alone(const EngineState& engine, const EncodeRequest& request, Backend& backend) {
  Source source = encode_source(engine, request.input, request.source_lang, request.target_lang);
  take_added(engine, request.added_embeddings, source);
  ModelWorkspace workspace;
  const EncoderInput input = source.input();
  engine.model.network->encode(backend, {&input, 1}, workspace);
  HiddenStates states = fetch_states(backend, workspace.encoded);
  return {std::move(source.ids), std::move(states), std::nullopt};
}

}  // namespace

std::vector<Encoding> Engine::encode(std::span<const EncodeRequest> requests,
                                     const CallOptions& call) const {
  return answer_each<Encoding>(*state_, requests.size(), call,
                               [&](std::size_t i, EngineState& replica, Backend& backend) {
                                 return encode_alone(replica, requests[i], backend);
                               });
}

Encoding Engine::encode(const EncodeRequest& request, const CallOptions& call) const {
  return only_answer(encode(std::span(&request, 1), call));
}

}  // namespace tandem
