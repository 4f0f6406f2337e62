// Attribution by replacement on a loaded model: see tandem/attribution.h.
#include <algorithm>
#include <cmath>
#include <utility>

#include <tandem/attribution.h>

#include "api/engine_state.h"
#include "api/input_ids.h"

namespace tandem {
namespace {

// Rows of the vocabulary that are held at once, in numbers: 64 MB.
constexpr std::size_t kMaxNumbers = std::size_t{16} << 20;

// Log-probabilities of the next token over the vocabulary, for each source.
class NextTokens {
 public:
  NextTokens(const Engine& engine, const AttributionRequest& request, const CallOptions& call)
      : engine_(engine), request_(request) {
    call_.cancel = call.cancel;
  }

  std::vector<NextTokenScores> after(std::span<const std::vector<TokenId>> sources) const {
    std::vector<NextTokenRequest> requests;
    for (const std::vector<TokenId>& source : sources)
      requests.push_back({source, request_.prefix, {}, request_.source_lang, request_.target_lang});
    std::vector<NextTokenScores> scores = engine_.next_log_probs(requests, call_);
    for (const NextTokenScores& score : scores)
      if (score.error) throw *score.error;
    return scores;
  }

  std::vector<TargetPlace> places(std::span<const std::vector<TokenId>> sources, TokenId target,
                                  std::size_t vocabulary) const {
    const std::size_t most = std::max<std::size_t>(kMaxNumbers / vocabulary, 1);
    std::vector<TargetPlace> places;
    for (std::size_t first = 0; first < sources.size(); first += most)
      for (const NextTokenScores& scores :
           after(sources.subspan(first, std::min(most, sources.size() - first)))) {
        const float log_prob = scores.log_probs[static_cast<std::size_t>(target)];
        const auto better = std::count_if(scores.log_probs.begin(), scores.log_probs.end(),
                                          [&](float other) { return other > log_prob; });
        places.push_back({std::min(std::exp(double{log_prob}), 1.0), static_cast<int>(better) + 1});
      }
    return places;
  }

 private:
  const Engine& engine_;
  const AttributionRequest& request_;
  CallOptions call_;  // on_progress would speak of the requests made here
};

std::vector<TokenId> fixed_ids(const EngineState& engine, std::vector<TokenId> fixed) {
  const ModelSpec& spec = engine.model.network->spec();
  fixed.insert(fixed.end(), spec.eos_tokens.begin(), spec.eos_tokens.end());
  fixed.push_back(spec.pad_token);
  fixed.push_back(spec.unknown_token);
  return fixed;
}

bool contains(const std::vector<TokenId>& ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Any token of the source vocabulary but the fixed ones.
TokenReplacer any_token(std::int64_t vocabulary, const std::vector<TokenId>& fixed) {
  std::vector<TokenId> tokens;
  for (TokenId id = 0; id < vocabulary; ++id)
    if (!contains(fixed, id)) tokens.push_back(id);
  if (tokens.empty()) throw Error(ErrorCode::invalid_argument, "attribution: all tokens are fixed");
  return [tokens = std::move(tokens)](std::size_t, double uniform) {
    return tokens[static_cast<std::size_t>(uniform * static_cast<double>(tokens.size()))];
  };
}

}  // namespace

Attribution attribute_to_source(const Engine& engine, const AttributionRequest& request,
                                const CallOptions& call) {
  const EngineState& state = EngineState::of(engine);
  const ModelSpec& spec = state.model.network->spec();
  if (state.model.network->reads_features())
    throw Error(ErrorCode::unsupported, "attribution: this model reads features, not tokens");
  const Source source =
      encode_source(state, request.input, request.source_lang, request.target_lang);
  const std::vector<TokenId> fixed = fixed_ids(state, request.fixed);
  std::vector<std::size_t> replaceable;
  for (std::size_t i = 0; i < source.ids.size(); ++i)
    if (!contains(fixed, source.ids[i])) replaceable.push_back(i);

  const NextTokens next(engine, request, call);
  TokenId target = request.target;
  if (target < 0) {
    const std::vector<float> log_probs = next.after({&source.ids, 1}).front().log_probs;
    target = static_cast<TokenId>(std::max_element(log_probs.begin(), log_probs.end()) -
                                  log_probs.begin());
  }
  check_target_ids(state, {target}, "attribution: target");
  const auto score = [&](std::span<const std::vector<TokenId>> sources) {
    return next.places(sources, target, static_cast<std::size_t>(spec.target_vocabulary));
  };
  const TokenReplacer replace =
      request.replace ? request.replace : any_token(spec.source_vocabulary, fixed);
  Attribution found =
      attribute_by_replacement(source.ids, replaceable, score, replace, request.options);
  found.target = target;
  return found;
}

}  // namespace tandem
