// Scoring: the same path as generate.cc with searches that are told their output. The encoder runs
// once over a source, whatever is asked about it.
#include <algorithm>
#include <utility>
#include <vector>

#include "api/answer_each.h"
#include "api/engine_state.h"
#include "api/forced_pass.h"
#include "api/input_ids.h"
#include "api/mixture_sources.h"
#include "api/model_decoder.h"
#include "decoding/forced.h"
#include "decoding/mixture_decoder.h"
#include "decoding/next_token.h"
#include "decoding/scoring/sequence_mixture.h"
#include "decoding/scoring/target_groups.h"

namespace tandem {
namespace {

// Positions that are decoded together, so that memory is bounded however many targets there are.
constexpr std::size_t kMaxPositions = 1024;
// Whole rows of scores that are held at once, in candidates: 48 MB.
constexpr std::size_t kMaxRowCandidates = std::size_t{4} << 20;

void check_scorable(const EngineState& engine, std::span<const Source> sources) {
  for (const Source& source : sources)
    if (source.length == 0)
      throw Error(ErrorCode::invalid_argument,
                  "the source has no tokens; there is nothing to score");
  if (!engine.model.network->spec().has_start())
    throw Error(ErrorCode::unsupported,
                "this model does not say what its outputs start with, and cannot score them");
}

// Sources before the model, and the searches over them.
class Scorer {
 public:
  Scorer(const EngineState& engine, std::span<const Source> sources, Backend& backend,
         std::span<const MaskedHead> masked_heads = {})
      : network_(*engine.model.network),
        backend_(backend),
        decoder_(network_, backend),
        mixed_(decoder_, static_cast<TokenId>(network_.spec().target_vocabulary)) {
    check_scorable(engine, sources);
    for (const MaskedHead& head : masked_heads)
      check_head(network_.spec(), head.attention, head.layer, head.head);
    decoder_.workspace().masked_heads.assign(masked_heads.begin(), masked_heads.end());
    std::vector<EncoderInput> inputs;
    for (const Source& source : sources) inputs.push_back(source.input());
    encoded_ = network_.encode(backend, inputs, decoder_.workspace());
    stats_.encoder_runs = static_cast<std::int64_t>(sources.size());
  }

  // Runs a search to its end, under one source or under the mixture of all.
  void run(Search& search, std::size_t source) {
    drive(search, decoder_.add(encoded_[source], {}));
  }
  void run(Search& search, const std::vector<double>& log_weights) {
    std::vector<int> sentences;
    for (const auto& source : encoded_) sentences.push_back(decoder_.add(source, {}));
    drive(search, mixed_.mix(std::move(sentences), log_weights));
  }

  // What `request` asks of single targets under the only source.
  void observe(const TargetsRequest& request, TargetScore& score) {
    ForcedPass pass(network_, backend_, decoder_.workspace());
    const GivenOutput output{network_.spec().decoder_start_token, score.ids};
    if (request.alignment)
      score.alignment = pass.align(*encoded_.front(), output, *request.alignment);
    if (request.hidden_states) score.hidden_states = pass.states(*encoded_.front(), output);
    stats_.decoder_passes += passes_to_observe(request);
  }

  const Stats& stats() const { return stats_; }

 private:
  void drive(Search& search, int sentence) {
    std::vector<Candidates> answers(1);
    while (!search.rows().empty()) {
      const SentenceRows rows{sentence, search.rows()};
      mixed_.step({&rows, 1}, answers);
      ++stats_.decoder_passes;
      search.advance(answers.front());
    }
    mixed_.release(sentence);
  }

  std::int64_t passes_to_observe(const TargetsRequest& request) const {
    std::int64_t passes = request.hidden_states ? 1 : 0;
    if (request.alignment) passes += request.alignment->head ? 1 : network_.spec().decoder.heads;
    return passes;
  }

  const EncoderDecoder& network_;
  Backend& backend_;
  ModelDecoder decoder_;
  MixtureDecoder mixed_;
  std::vector<std::shared_ptr<const EncodedSource>> encoded_;
  Stats stats_;
};

std::vector<std::vector<TokenId>> encode_targets(const EngineState& engine,
                                                 const TargetsRequest& request) {
  if (request.targets.empty())
    throw Error(ErrorCode::invalid_argument, "there are no targets; expected at least one");
  const auto limit = static_cast<std::size_t>(engine.options.limits.max_target_tokens);
  std::vector<std::vector<TokenId>> targets;
  for (const Input& input : request.targets) {
    targets.push_back(encode_target(engine, input, request.source_lang, request.target_lang,
                                    /*with_end=*/true));
    if (targets.back().empty())
      throw Error(ErrorCode::invalid_argument, "the target is empty; there is nothing to score");
    if (targets.back().size() > limit)
      throw Error(ErrorCode::resource_exhausted,
                  "the target has " + std::to_string(targets.back().size()) +
                      " tokens; the limit max_target_tokens is " + std::to_string(limit));
  }
  return targets;
}

Forced::Options forced_options(const EngineState& engine, bool statistics) {
  const ModelSpec& spec = engine.model.network->spec();
  Forced::Options options;
  options.start_token = spec.decoder_start_token;
  options.max_run = kMaxPositions;
  if (!statistics) return options;
  options.vocabulary_size = static_cast<TokenId>(spec.target_vocabulary);
  const auto row = static_cast<std::size_t>(spec.target_vocabulary);
  options.max_run = std::clamp(kMaxRowCandidates / row, std::size_t{1}, kMaxPositions);
  return options;
}

TargetScore as_target_score(Hypothesis hypothesis, const std::vector<TokenStatistics>& statistics) {
  TargetScore score;
  score.ids = std::move(hypothesis.ids);
  score.token_log_probs = std::move(hypothesis.token_log_probs);
  score.sum_log_prob = hypothesis.sum_log_prob;
  for (const TokenStatistics& token : statistics) {
    score.ranks.push_back(token.rank);
    score.entropies.push_back(token.entropy);
  }
  return score;
}

// All targets, a group at a time. `run` runs a search to its end.
template <class Run>
std::vector<TargetScore> force(const std::vector<std::vector<TokenId>>& targets,
                               const Forced::Options& options, const Run& run) {
  std::vector<TargetScore> scores(targets.size());
  for (const std::vector<std::size_t>& group : group_targets(targets, options.max_run)) {
    std::vector<std::vector<TokenId>> members;
    for (const std::size_t index : group) members.push_back(targets[index]);
    Forced forced(options, std::move(members));
    run(forced);
    std::vector<Hypothesis> hypotheses = forced.results();
    for (std::size_t i = 0; i < group.size(); ++i)
      scores[group[i]] = as_target_score(std::move(hypotheses[i]), forced.statistics()[i]);
  }
  return scores;
}

// The targets as whole outputs under several sources.
std::vector<TargetScore> force_by_source(const std::vector<std::vector<TokenId>>& targets,
                                         const Forced::Options& options,
                                         const std::vector<double>& log_weights, Scorer& scorer) {
  std::vector<std::vector<TargetScore>> by_source;
  for (std::size_t k = 0; k < log_weights.size(); ++k)
    by_source.push_back(force(targets, options, [&](Search& search) { scorer.run(search, k); }));
  std::vector<TargetScore> scores(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    std::vector<SequencePart> parts;
    for (std::size_t k = 0; k < log_weights.size(); ++k)
      parts.push_back({log_weights[k], by_source[k][i].token_log_probs});
    MixedSequence mixed = mix_sequence(parts);
    scores[i].ids = targets[i];
    scores[i].token_log_probs = std::move(mixed.token_log_probs);
    scores[i].sum_log_prob = mixed.sum_log_prob;
  }
  return scores;
}

TargetScores score_mixture(const EngineState& engine, const TargetsRequest& request,
                           Backend& backend) {
  if (request.alignment || request.hidden_states)
    throw Error(ErrorCode::unsupported,
                "alignment and hidden_states: a mixture has them for each of its sources",
                "score under each source alone");
  if (!request.added_embeddings.empty())
    throw Error(ErrorCode::unsupported, "added_embeddings: they belong to one source");
  const MixtureSources mixture =
      encode_mixture(engine, *request.mixture, request.source_lang, request.target_lang);
  const auto targets = encode_targets(engine, request);
  const Forced::Options options = forced_options(engine, request.statistics);
  Scorer scorer(engine, mixture.sources, backend, request.masked_heads);
  if (request.mixture->mode == MixtureMode::token) {
    auto scores =
        force(targets, options, [&](Search& search) { scorer.run(search, mixture.log_weights); });
    return {std::move(scores), scorer.stats(), std::nullopt};
  }
  if (request.statistics)
    throw Error(ErrorCode::unsupported,
                "statistics: whole outputs under several sources have no distribution of a token",
                "score under the mode token, or each source alone");
  auto scores = force_by_source(targets, options, mixture.log_weights, scorer);
  return {std::move(scores), scorer.stats(), std::nullopt};
}

TargetScores score_targets(const EngineState& engine, const TargetsRequest& request,
                           Backend& backend) {
  if (request.mixture) return score_mixture(engine, request, backend);
  Source source = encode_source(engine, request.input, request.source_lang, request.target_lang);
  take_added(engine, request.added_embeddings, source);
  const auto targets = encode_targets(engine, request);
  const Forced::Options options = forced_options(engine, request.statistics);
  if (request.alignment) resolve_layer(engine.model.network->spec(), *request.alignment);
  Scorer scorer(engine, {&source, 1}, backend, request.masked_heads);
  auto scores = force(targets, options, [&](Search& search) { scorer.run(search, 0); });
  for (TargetScore& score : scores) scorer.observe(request, score);
  return {std::move(scores), scorer.stats(), std::nullopt};
}

NextTokenScores score_next_token(const EngineState& engine, const NextTokenRequest& request,
                                 Backend& backend) {
  const Source source =
      encode_source(engine, request.input, request.source_lang, request.target_lang);
  const std::vector<TokenId> prefix = encode_target(engine, request.prefix, request.source_lang,
                                                    request.target_lang, /*with_end=*/false);
  const ModelSpec& spec = engine.model.network->spec();
  check_target_ids(engine, request.ids, "ids");
  NextToken next(spec.decoder_start_token, static_cast<TokenId>(spec.target_vocabulary), prefix,
                 request.ids);
  Scorer scorer(engine, {&source, 1}, backend);
  scorer.run(next, 0);
  return {next.log_probs(), scorer.stats(), std::nullopt};
}

}  // namespace

std::vector<TargetScores> Engine::score(std::span<const TargetsRequest> requests,
                                        const CallOptions& call) const {
  return answer_each<TargetScores>(*state_, requests.size(), call,
                                   [&](std::size_t i, EngineState& replica, Backend& backend) {
                                     return score_targets(replica, requests[i], backend);
                                   });
}

TargetScores Engine::score(const TargetsRequest& request, const CallOptions& call) const {
  return only_answer(score(std::span(&request, 1), call));
}

std::vector<Score> Engine::score(std::span<const ScoreRequest> requests,
                                 const CallOptions& call) const {
  return answer_each<Score>(
      *state_, requests.size(), call, [&](std::size_t i, EngineState& replica, Backend& backend) {
        const ScoreRequest& request = requests[i];
        TargetsRequest single;
        single.input = request.input;
        single.targets = {request.target};
        single.source_lang = request.source_lang;
        single.target_lang = request.target_lang;
        TargetScore target = std::move(score_targets(replica, single, backend).targets.front());
        return Score{std::move(target.token_log_probs), target.sum_log_prob, std::nullopt};
      });
}

std::vector<NextTokenScores> Engine::next_log_probs(std::span<const NextTokenRequest> requests,
                                                    const CallOptions& call) const {
  return answer_each<NextTokenScores>(*state_, requests.size(), call,
                                      [&](std::size_t i, EngineState& replica, Backend& backend) {
                                        return score_next_token(replica, requests[i], backend);
                                      });
}

NextTokenScores Engine::next_log_probs(const NextTokenRequest& request,
                                       const CallOptions& call) const {
  return only_answer(next_log_probs(std::span(&request, 1), call));
}

}  // namespace tandem
