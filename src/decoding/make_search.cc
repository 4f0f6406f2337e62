#include "decoding/make_search.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "decoding/beam.h"
#include "decoding/diverse_beam.h"
#include "decoding/drafters/copy.h"
#include "decoding/marian_beam.h"
#include "decoding/minimum_bayes_risk.h"
#include "decoding/particle_search.h"
#include "decoding/sampling.h"
#include "decoding/stochastic_beam.h"
#include "decoding/time_limit.h"
#include "decoding/verify.h"

namespace tandem {
namespace {

// The source without its end token: a draft never ends the output.
std::vector<TokenId> draft_text(const SearchOptions& options, const Aggressive& aggressive) {
  std::vector<TokenId> text =
      aggressive.drafter == DraftSource::ids ? aggressive.draft_ids : options.source;
  std::erase_if(text, [&](TokenId token) { return options.is_eos(token); });
  return text;
}

struct Maker {
  SearchOptions options;

  // `resolve` has refused what is not built and has replaced Automatic.
  template <typename Other>
  std::unique_ptr<Search> operator()(const Other&) {
    check_failed("strategy is resolved", __FILE__, __LINE__);
  }
  std::unique_ptr<Search> operator()(const Greedy&) {
    return std::make_unique<Verify>(std::move(options), nullptr, kAutomaticDraft);
  }
  std::unique_ptr<Search> operator()(const Beam&) {
    if (options.profile == Profile::marian) return std::make_unique<MarianBeam>(std::move(options));
    return std::make_unique<BeamSearch>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const DiverseBeam&) {
    if (options.num_beam_groups == 1) return (*this)(Beam{});
    return std::make_unique<DiverseBeamSearch>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const Sample&) {
    const int num_samples = options.num_return_sequences;
    return std::make_unique<Sampling>(std::move(options), num_samples);
  }
  std::unique_ptr<Search> operator()(const StochasticBeam&) {
    return std::make_unique<StochasticBeamSearch>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const MinimumBayesRisk&) {
    return std::make_unique<MinimumBayesRiskSearch>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const SequentialMonteCarlo&) {
    return std::make_unique<ParticleSearch>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const Aggressive& aggressive) {
    auto drafter = std::make_unique<CopyDrafter>(draft_text(options, aggressive));
    const int max_draft = aggressive.max_draft.value_or(kAutomaticDraft);
    return std::make_unique<Verify>(std::move(options), std::move(drafter), max_draft);
  }
};

}  // namespace

std::unique_ptr<Search> make_search(SearchOptions options) {
  const Strategy strategy = options.strategy;
  const std::optional<double> max_time = options.max_time;
  auto search = std::visit(Maker{std::move(options)}, strategy);
  if (max_time) search = std::make_unique<TimeLimit>(std::move(search), *max_time);
  return search;
}

}  // namespace tandem
