#include "decoding/strategy_options.h"

#include <string>
#include <variant>

#include <tandem/error.h>

#include "decoding/sampling_options.h"

namespace tandem {
namespace {

template <typename... Kinds>
bool is_one_of(const Strategy& strategy) {
  return (std::holds_alternative<Kinds>(strategy) || ...);
}

// Beams of a model's defaults give way to sampling that a request asks for.
bool samples_from_beams(const GenerationKeys& keys) {
  const bool only_by_default = keys.request().do_sample && !keys.request().num_beams;
  return !only_by_default && keys.get(&GenerationOptions::num_beams, 1) > 1;
}

Strategy automatic(const GenerationKeys& keys) {
  if (keys.get(&GenerationOptions::do_sample, false))
    return samples_from_beams(keys) ? Strategy(BeamSample{}) : Strategy(Sample{});
  if (keys.get(&GenerationOptions::num_beam_groups, 1) > 1) return DiverseBeam{};
  if (keys.get(&GenerationOptions::num_beams, 1) > 1) return Beam{};
  return Greedy{};
}

void check_scorer(const PrefixScorer& scorer, const char* strategy) {
  if (!scorer)
    throw Error(ErrorCode::invalid_argument,
                std::string(strategy) + "::scorer is empty, expected a function");
}

// Rows that are made of several have no search of their own: the generation keys choose one.
[[noreturn]] void refuse_mixed() {
  throw Error(ErrorCode::unsupported, "a mixture is not available as a search");
}

struct Check {
  const Limits& limits;
  bool samples;              // do_sample
  bool shapes_distribution;  // the request sets temperature or a cut-off

  template <typename Other>
  void operator()(const Other&) const {}
  void operator()(const Aggressive& aggressive) const {
    if (aggressive.max_draft) check_at_least("max_draft", *aggressive.max_draft, 1);
    if (aggressive.drafter == DraftSource::callback && !aggressive.draft)
      throw Error(ErrorCode::invalid_argument,
                  "the drafter is callback and Aggressive::draft is empty, expected a function");
    if (aggressive.drafter == DraftSource::model && !aggressive.draft_model)
      throw Error(ErrorCode::invalid_argument,
                  "the drafter is model and draft_model is empty, expected an engine");
    check_at_least("top_beta", aggressive.top_beta, 1);
    check_at_least_zero("tau", aggressive.tau);
    if (aggressive.verify == Verification::rejection && !samples)
      throw Error(ErrorCode::invalid_argument,
                  "verify is rejection, which samples, and do_sample is false, expected true",
                  "for the greedy output verify exactly");
  }
  void operator()(const MinimumBayesRisk& risk) const {
    check_range("samples", risk.samples, 2, limits.max_beams);
  }
  void operator()(const SequentialMonteCarlo& particles) const {
    check_range("particles", particles.particles, 1, limits.max_beams);
    if (!(particles.ess_threshold >= 0 && particles.ess_threshold <= 1))
      out_of_range("ess_threshold", particles.ess_threshold, "from 0 to 1");
    if (shapes_distribution)
      throw Error(ErrorCode::unsupported,
                  "temperature and cut-offs have no part in the strategy smc",
                  "leave them out: it samples the model's own distribution");
  }
  void operator()(const Mixture&) const { refuse_mixed(); }
  void operator()(const Ensemble&) const { refuse_mixed(); }
  void operator()(const CopyMixture&) const { refuse_mixed(); }
  void operator()(const SequenceToAction&) const { refuse_mixed(); }
  void operator()(const ConditionalBeam& conditional) const {
    check_scorer(conditional.scorer, "ConditionalBeam");
    check_finite("weight", conditional.weight);
    check_at_least("candidates", conditional.candidates, 1);
  }
  void operator()(const RankedSampling& ranked) const {
    check_scorer(ranked.scorer, "RankedSampling");
    check_range("beams", ranked.beams, 1, limits.max_beams);
    check_range("samples", ranked.samples, 1, limits.max_beams / ranked.beams);
    check_at_least("piece", ranked.piece, 1);
  }
  void operator()(const Contrastive& contrastive) const {
    if (!(contrastive.alpha >= 0 && contrastive.alpha <= 1))
      out_of_range("alpha", contrastive.alpha, "from 0 to 1");
    check_range("top_k", contrastive.top_k, 1, limits.max_beams);
  }
};

}  // namespace

Strategy resolve_strategy(const Request& request, const GenerationKeys& keys,
                          const Limits& limits) {
  const bool is_automatic = std::holds_alternative<Automatic>(request.strategy);
  Strategy strategy = is_automatic ? automatic(keys) : request.strategy;
  std::visit(Check{limits, keys.get(&GenerationOptions::do_sample, false),
                   asks_for_warpers(request.generation)},
             strategy);
  return strategy;
}

bool is_without_beams(const Strategy& strategy) {
  return is_one_of<Greedy, Aggressive, Sample, MinimumBayesRisk, SequentialMonteCarlo,
                   RankedSampling, Contrastive>(strategy);
}

bool may_stop_at_strings(const Strategy& strategy) {
  return is_one_of<Greedy, Aggressive, Sample, MinimumBayesRisk, Contrastive>(strategy);
}

bool follows_hugging_face(const Strategy& strategy) {
  return is_one_of<DiverseBeam, BeamSample, ConditionalBeam>(strategy);
}

ReturnLimit return_limit(const Strategy& strategy, int num_beams, const Limits& limits) {
  if (is_one_of<Greedy, Aggressive, Contrastive>(strategy))
    return {1, "the one output of this strategy", 1};
  if (std::holds_alternative<Sample>(strategy)) return {limits.max_beams, "Limits::max_beams", {}};
  if (const auto* risk = std::get_if<MinimumBayesRisk>(&strategy))
    return {risk->samples, "samples", 1};
  if (const auto* particles = std::get_if<SequentialMonteCarlo>(&strategy))
    return {particles->particles, "particles", particles->particles};
  if (const auto* ranked = std::get_if<RankedSampling>(&strategy))
    return {ranked->beams, "beams", 1};
  if (std::holds_alternative<StochasticBeam>(strategy)) return {num_beams, "num_beams", num_beams};
  return {num_beams, "num_beams", {}};
}

}  // namespace tandem
