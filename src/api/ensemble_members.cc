#include "api/ensemble_members.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "api/input_ids.h"
#include "api/mixture_sources.h"
#include "api/target_vocabulary.h"

namespace tandem {
namespace {

void check_member(const EngineState& engine, const EngineState& member) {
  check_same_target_vocabulary(engine, member, "a member of the ensemble");
  const TokenId expected = engine.model.network->spec().decoder_start_token;
  const TokenId found = member.model.network->spec().decoder_start_token;
  if (found != expected)
    throw Error(ErrorCode::invalid_argument,
                "a member of the ensemble starts its outputs with token " + std::to_string(found) +
                    ", expected that of the model, " + std::to_string(expected));
}

}  // namespace

PreparedEnsemble prepare_ensemble(const EngineState& engine, const Ensemble& ensemble,
                                  const Request& request) {
  const auto limit = static_cast<std::size_t>(engine.options.limits.max_beams);
  if (ensemble.members.size() > limit)
    throw Error(ErrorCode::resource_exhausted,
                "the ensemble has " + std::to_string(ensemble.members.size()) +
                    " members; the limit max_beams is " + std::to_string(limit));
  const std::vector<double> weights =
      normalized_weights(ensemble.weights, 1 + ensemble.members.size(), "ensemble", "model");
  PreparedEnsemble prepared{weights.front(), {}, ensemble.mode};
  for (std::size_t i = 0; i < ensemble.members.size(); ++i) {
    const std::shared_ptr<const Engine>& member = ensemble.members[i];
    if (member == nullptr)
      throw Error(
          ErrorCode::invalid_argument,
          "members[" + std::to_string(i) + "] of the ensemble is empty, expected an engine");
    const EngineState& state = EngineState::of(*member);
    check_member(engine, state);
    if (weights[i + 1] == 0) continue;
    Source source = encode_source(state, request.input, request.source_lang, request.target_lang,
                                  too_long(request));
    if (source.length == 0)
      throw Error(ErrorCode::invalid_argument, "the source has no tokens for members[" +
                                                   std::to_string(i) + "] of the ensemble");
    prepared.members.push_back({member, std::move(source), weights[i + 1]});
  }
  return prepared;
}

void limit_positions(const PreparedEnsemble& ensemble, SearchContext& context) {
  for (const PreparedEnsemble::Member& member : ensemble.members) {
    const auto positions =
        static_cast<int>(EngineState::of(*member.engine).model.network->max_target_positions());
    if (positions == 0) continue;
    const int own = context.max_target_positions;
    context.max_target_positions = own == 0 ? positions : std::min(own, positions);
  }
}

}  // namespace tandem
