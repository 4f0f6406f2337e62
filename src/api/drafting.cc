#include "api/drafting.h"

#include <utility>
#include <vector>

#include <tandem/error.h>

#include "api/model_drafter.h"

namespace tandem {

Drafting::Session::Session(std::shared_ptr<const Engine> draft_engine)
    : engine(std::move(draft_engine)),
      state(EngineState::of(*engine)),
      backend(state.backends.lease(1)),
      decoder(std::make_shared<ModelDecoder>(*state.model.network, *backend)) {}

DraftSupport Drafting::support(const PreparedRequest& request,
                               const std::shared_ptr<const EncodedSource>& source) {
  const auto* aggressive = std::get_if<Aggressive>(&request.options.strategy);
  DraftSupport support;
  if (aggressive == nullptr) return support;
  if (adapts_to_costs(*aggressive))
    support.costs = engine_.passes.get(*engine_.model.network, backend_, source);
  if (aggressive->drafter == DraftSource::model)
    support.model = model_drafter(request, aggressive->draft_model, support.costs.get());
  return support;
}

std::unique_ptr<Drafter> Drafting::model_drafter(const PreparedRequest& request,
                                                 const std::shared_ptr<const Engine>& engine,
                                                 const PassCosts* costs) {
  Session& session = sessions_.try_emplace(engine.get(), engine).first->second;
  const EncoderDecoder& network = *session.state.model.network;
  const EncoderInput sources[] = {request.draft_source.input()};
  const auto encoded =
      network.encode(*session.backend, sources, session.decoder->workspace()).front();
  double cost_per_token = 0;
  if (costs != nullptr)
    if (const auto own = session.state.passes.get(network, *session.backend, encoded))
      cost_per_token = own->unit_time() / costs->unit_time();
  return std::make_unique<ModelDrafter>(network, session.decoder, encoded, cost_per_token);
}

Source prepare_draft_source(const EngineState& engine, const Engine& draft_model,
                                          const Request& request) {
  const EngineState& draft = EngineState::of(draft_model);
  const std::int64_t expected = engine.model.network->spec().target_vocabulary;
  const std::int64_t found = draft.model.network->spec().target_vocabulary;
  if (found != expected)
    throw Error(ErrorCode::invalid_argument,
                "draft_model has a target vocabulary of " + std::to_string(found) +
                    " tokens, expected that of the model, " + std::to_string(expected));
  return encode_source(draft, request.input, request.source_lang, request.target_lang);
}

}  // namespace tandem
