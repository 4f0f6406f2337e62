#include "api/drafting.h"

#include <utility>

#include "api/input_ids.h"
#include "api/model_drafter.h"
#include "api/target_vocabulary.h"

namespace tandem {

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
  EngineSession& session = sessions_.get(engine);
  const auto encoded = session.encode(request.draft_source);
  double cost_per_token = 0;
  if (costs != nullptr)
    if (const auto own = session.state.passes.get(session.network(), *session.backend, encoded))
      cost_per_token = own->unit_time() / costs->unit_time();
  return std::make_unique<ModelDrafter>(session.network(), session.decoder, encoded,
                                        cost_per_token);
}

Source prepare_draft_source(const EngineState& engine, const Engine& draft_model,
                            const Request& request) {
  const EngineState& draft = EngineState::of(draft_model);
  check_same_target_vocabulary(engine, draft, "draft_model");
  return encode_source(draft, request.input, request.source_lang, request.target_lang,
                       too_long(request));
}

}  // namespace tandem
