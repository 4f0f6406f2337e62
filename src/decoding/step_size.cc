#include "decoding/step_size.h"

#include <algorithm>
#include <variant>

namespace tandem {
namespace {

std::size_t size_of(int count) {
  return static_cast<std::size_t>(std::max(count, 1));
}

struct Measure {
  const SearchOptions& options;

  std::size_t drawn() const {
    return size_of(candidates_to_warp(options.warpers, options.vocabulary_size));
  }
  std::size_t extensions() const {
    if (options.prefix_bias > 0) return size_of(options.vocabulary_size);
    return std::max<std::size_t>(2, 1 + options.eos_tokens.size()) * size_of(options.num_beams);
  }

  // Of one output, and of beams.
  template <typename Other>
  StepSize operator()(const Other&) const {
    return {size_of(options.num_beams), extensions()};
  }
  StepSize operator()(const Aggressive& aggressive) const {
    const std::size_t rows = 1 + size_of(aggressive.max_draft.value_or(1));
    const bool draws = aggressive.verify == Verification::rejection;
    return {rows, draws ? drawn() : size_of(aggressive.top_beta)};
  }
  StepSize operator()(const Sample&) const {
    return {size_of(options.num_return_sequences), drawn()};
  }
  StepSize operator()(const BeamSample&) const {
    const int rows = std::max(options.num_beams, options.num_return_sequences);
    return {size_of(rows), std::max(extensions(), drawn())};
  }
  StepSize operator()(const StochasticBeam&) const { return {size_of(options.num_beams), drawn()}; }
  StepSize operator()(const RankedSampling& ranked) const {
    return {size_of(ranked.beams) * size_of(ranked.samples), drawn()};
  }
  StepSize operator()(const MinimumBayesRisk& risk) const {
    return {size_of(risk.samples), drawn()};
  }
  StepSize operator()(const SequentialMonteCarlo& particles) const {
    return {size_of(particles.particles), size_of(options.vocabulary_size)};
  }
  StepSize operator()(const ConditionalBeam& conditional) const {
    return {size_of(options.num_beams), std::max(extensions(), size_of(conditional.candidates))};
  }
  StepSize operator()(const Contrastive& contrastive) const {
    return {size_of(contrastive.top_k), size_of(contrastive.top_k)};
  }
};

}  // namespace

StepSize step_size(const SearchOptions& options, bool whole_rows) {
  StepSize size = std::visit(Measure{options}, options.strategy);
  if (options.alternatives) size.rows *= size_of(options.num_return_sequences);
  const std::size_t vocabulary = size_of(options.vocabulary_size);
  size.candidates = whole_rows ? vocabulary : std::min(size.candidates, vocabulary);
  return size;
}

}  // namespace tandem
