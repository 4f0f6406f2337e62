#include "decoding/make_search.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "decoding/alternatives.h"
#include "decoding/beam.h"
#include "decoding/beam_sampling.h"
#include "decoding/conditional_beam.h"
#include "decoding/contrastive.h"
#include "decoding/ctranslate2_beam.h"
#include "decoding/diverse_beam.h"
#include "decoding/draft_length.h"
#include "decoding/drafters/callback.h"
#include "decoding/drafters/copy.h"
#include "decoding/drafters/lookup.h"
#include "decoding/marian_beam.h"
#include "decoding/minimum_bayes_risk.h"
#include "decoding/particle_search.h"
#include "decoding/ranked_sampling.h"
#include "decoding/sampling.h"
#include "decoding/stochastic_beam.h"
#include "decoding/time_limit.h"
#include "decoding/verify.h"

namespace tandem {
namespace {

// A text to copy from, without its end token: a draft never ends the output.
std::unique_ptr<Drafter> copy(const SearchOptions& options, std::vector<TokenId> text) {
  std::erase_if(text, [&](TokenId token) { return options.is_eos(token); });
  return std::make_unique<CopyDrafter>(std::move(text));
}

std::unique_ptr<Drafter> make_drafter(const SearchOptions& options, const Aggressive& aggressive,
                                      std::unique_ptr<Drafter> model) {
  switch (aggressive.drafter) {
    case DraftSource::source:
      return copy(options, options.source);
    case DraftSource::ids:
      return copy(options, aggressive.draft_ids);
    case DraftSource::lookup:
      return std::make_unique<LookupDrafter>(options.source);
    case DraftSource::callback:
      return std::make_unique<CallbackDrafter>(aggressive.draft, options.source);
    case DraftSource::model:
      break;
  }
  TANDEM_CHECK(model != nullptr);
  return model;
}

struct Maker {
  SearchOptions options;
  DraftSupport support;

  // `resolve` has replaced Automatic, and mixtures by the strategy that searches them.
  template <typename Other>
  std::unique_ptr<Search> operator()(const Other&) {
    check_failed("strategy is resolved", __FILE__, __LINE__);
  }
  std::unique_ptr<Search> operator()(const Greedy&) {
    if (options.prefix_bias > 0) return (*this)(Beam{});  // of one
    return std::make_unique<Verify>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const Beam&) {
    if (options.profile == Profile::marian) return std::make_unique<MarianBeam>(std::move(options));
    if (options.profile == Profile::ctranslate2)
      return std::make_unique<CTranslate2Beam>(std::move(options));
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
  std::unique_ptr<Search> operator()(const BeamSample&) {
    if (options.num_beams == 1) return (*this)(Sample{});
    return std::make_unique<BeamSampling>(std::move(options));
  }
  std::unique_ptr<Search> operator()(const ConditionalBeam& conditional) {
    return std::make_unique<ConditionalBeamSearch>(std::move(options), conditional);
  }
  std::unique_ptr<Search> operator()(const RankedSampling& ranked) {
    return std::make_unique<RankedSamplingSearch>(std::move(options), ranked);
  }
  std::unique_ptr<Search> operator()(const Contrastive& contrastive) {
    return std::make_unique<ContrastiveSearch>(std::move(options), contrastive);
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
    auto drafter = make_drafter(options, aggressive, std::move(support.model));
    DraftLength length(aggressive.max_draft.value_or(kAutomaticDraft));
    if (support.costs && adapts_to_costs(aggressive))
      length = DraftLength(std::move(support.costs), drafter->cost_per_token());
    const Acceptance acceptance{aggressive.verify, aggressive.top_beta, aggressive.tau};
    return std::make_unique<Verify>(std::move(options), std::move(drafter), std::move(length),
                                    acceptance);
  }
};

std::unique_ptr<Search> make_untimed(SearchOptions options, DraftSupport support) {
  const Strategy strategy = options.strategy;
  return std::visit(Maker{std::move(options), std::move(support)}, strategy);
}

}  // namespace

bool adapts_to_costs(const Aggressive& aggressive) {
  return !aggressive.max_draft && aggressive.verify != Verification::relaxed;
}

std::unique_ptr<Search> make_search(SearchOptions options, DraftSupport support) {
  const std::optional<double> max_time = options.max_time;
  std::unique_ptr<Search> search;
  if (options.alternatives)
    search = std::make_unique<Alternatives>(
        std::move(options), [costs = support.costs](SearchOptions of_one) {
          return make_untimed(std::move(of_one), {nullptr, costs});
        });
  else
    search = make_untimed(std::move(options), std::move(support));
  if (max_time) search = std::make_unique<TimeLimit>(std::move(search), *max_time);
  return search;
}

}  // namespace tandem
