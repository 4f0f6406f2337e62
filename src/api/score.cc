// Teacher-forced scoring: the same path as generate.cc with a search that is told its output.
#include <atomic>
#include <utility>
#include <vector>

#include "api/engine_state.h"
#include "api/model_decoder.h"
#include "api/workers.h"
#include "decoding/forced.h"
#include "decoding/loop.h"

namespace tandem {
namespace {

// The encoder runs over one source, the decoder makes one pass over the whole target.
Score score_one(const EngineState& engine, const ScoreRequest& request, Backend& backend) {
  const Source source =
      encode_source(engine, request.input, request.source_lang, request.target_lang);
  const std::vector<TokenId> target =
      encode_target(engine, request.target, request.source_lang, request.target_lang, /*with_end=*/true);
  if (source.length == 0) throw Error(ErrorCode::invalid_argument, "the source has no tokens; there is nothing to score");
  if (!engine.model.network->spec().has_start())
    throw Error(ErrorCode::unsupported, "this model does not say what its outputs start with, and cannot score them");
  if (target.empty()) throw Error(ErrorCode::invalid_argument, "the target is empty; there is nothing to score");
  ModelDecoder decoder(*engine.model.network, backend);
  const EncoderInput sources[] = {source.input()};
  const int sentence = decoder.add(engine.model.network->encode(backend, sources, decoder.workspace())[0], {});
  Loop loop(decoder);
  loop.add(sentence, 0, std::make_unique<Forced>(engine.model.network->spec().decoder_start_token, target));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  Hypothesis hypothesis = std::move(finished.at(0).search->results().at(0));
  return {std::move(hypothesis.token_log_probs), hypothesis.sum_log_prob, std::nullopt};
}

}  // namespace

std::vector<Score> Engine::score(std::span<const ScoreRequest> requests, const CallOptions& call) const {
  std::vector<Score> scores(requests.size());
  std::atomic<std::size_t> next{0};
  run_workers(state_->backends, requests.size(), [&](Backend& backend) {
    for (std::size_t i = next++; i < requests.size(); i = next++) {
      try {
        if (call.cancel.stop_requested()) throw Error(ErrorCode::cancelled, "the call was cancelled");
        scores[i] = score_one(*state_, requests[i], backend);
      } catch (const Error& error) {
        scores[i].error = error;
      }
    }
  });
  return scores;
}

}  // namespace tandem
