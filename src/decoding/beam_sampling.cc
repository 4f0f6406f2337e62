#include "decoding/beam_sampling.h"

#include <algorithm>
#include <utility>

#include "decoding/random_stream.h"
#include "decoding/warpers.h"

namespace tandem {
namespace {

int choices_of(const SearchOptions& options) {
  return candidates_to_warp(options.warpers, options.vocabulary_size);
}

}  // namespace

BeamSampling::BeamSampling(SearchOptions options) : BeamSearch(options, choices_of(options)) {}

void BeamSampling::append_draws(int row, std::span<const Candidate> answer,
                                std::vector<Draw>& draws) {
  const Path& path = group().running()[static_cast<std::size_t>(row)];
  RandomStream random(options().seed, row, path.generated(options()));
  for (const Choice& choice : warp(options().warpers, answer)) {
    const double score = path.score + choice.candidate.score / options().warpers.temperature;
    draws.push_back({{row, score, choice.candidate, 0}, score + random.gumbel()});
  }
}

void BeamSampling::extend(const Candidates& candidates) {
  std::vector<Draw> draws;
  for (std::size_t row = 0; row < rows().size(); ++row)
    append_draws(static_cast<int>(row), candidates.after(row), draws);
  const auto kept = std::min(draws.size(), static_cast<std::size_t>(group().num_candidates()));
  std::partial_sort(draws.begin(), draws.begin() + static_cast<std::ptrdiff_t>(kept), draws.end(),
                    [](const Draw& a, const Draw& b) { return a.perturbed > b.perturbed; });
  std::vector<Extension> drawn;
  for (std::size_t i = 0; i < kept; ++i) drawn.push_back(draws[i].extension);
  group().extend_drawn(std::move(drawn));
}

}  // namespace tandem
