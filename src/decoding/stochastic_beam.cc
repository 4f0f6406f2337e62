#include "decoding/stochastic_beam.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "decoding/random_stream.h"
#include "decoding/running_outputs.h"

namespace tandem {
namespace {

// `value` moved so that the largest of its siblings, which is `largest` now, becomes `maximum`:
// -log(exp(-maximum) - exp(-largest) + exp(-value)). Order is kept.
double condition_on_maximum(double value, double largest, double maximum) {
  const double gap = value - largest;
  if (gap == 0) return maximum;
  const double shifted = maximum - value + std::log1p(-std::exp(gap));
  return maximum - std::max(0.0, shifted) - std::log1p(std::exp(-std::abs(shifted)));
}

}  // namespace

StochasticBeamSearch::StochasticBeamSearch(SearchOptions options)
    : options_(std::move(options)),
      chain_(options_, ScoreSpace::logits,
             candidates_to_warp(options_.warpers, options_.vocabulary_size)) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, chain_.query(path)));
  RandomStream random(options_.seed, options_.num_beams, 0);  // beyond those of the beams
  beams_.push_back({.path = std::move(path), .perturbed = random.gumbel()});
}

void StochasticBeamSearch::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0)
    beams_.front().path.log_probs = prefix_log_probs(options_, candidates);
  std::vector<Child> children;
  for (std::size_t i = 0; i < beams_.size(); ++i) {
    if (beams_[i].runs) {
      append_children(i, candidates.after(static_cast<std::size_t>(beams_[i].row)), children);
    } else {
      children.push_back({i, beams_[i].log_p, beams_[i].perturbed, {}});
    }
  }
  const auto kept = std::min(children.size(), static_cast<std::size_t>(options_.num_beams));
  std::partial_sort(children.begin(), children.begin() + static_cast<std::ptrdiff_t>(kept),
                    children.end(), [](const Child& a, const Child& b) {
                      if (a.perturbed != b.perturbed) return a.perturbed > b.perturbed;
                      if (a.parent != b.parent) return a.parent < b.parent;
                      return a.candidate.token < b.candidate.token;
                    });
  children.resize(kept);
  std::vector<Beam> beams;
  for (const Child& child : children) beams.push_back(grow(child));
  beams_ = std::move(beams);
  rows_ = rows_of_running(beams_, [&](const Path& path) { return chain_.query(path); });
  settle_running(options_, *this, beams_, settled_);
}

void StochasticBeamSearch::append_children(std::size_t parent, std::span<const Candidate> answer,
                                           std::vector<Child>& children) const {
  const Beam& beam = beams_[parent];
  RandomStream random(options_.seed, static_cast<int>(parent), beam.path.generated(options_));
  const std::size_t first = children.size();
  double largest = -INFINITY;
  for (const Choice& choice : warp(options_.warpers, answer)) {
    const double log_p = beam.log_p + choice.log_p;
    const double perturbed = log_p + random.gumbel();
    largest = std::max(largest, perturbed);
    children.push_back({parent, log_p, perturbed, choice.candidate});
  }
  for (std::size_t i = first; i < children.size(); ++i)
    children[i].perturbed = condition_on_maximum(children[i].perturbed, largest, beam.perturbed);
}

StochasticBeamSearch::Beam StochasticBeamSearch::grow(const Child& child) const {
  const Beam& parent = beams_[child.parent];
  Beam beam{parent.path.fork(), child.log_p, child.perturbed, parent.row, parent.runs};
  if (!beam.runs) return beam;
  beam.path.append(options_, child.candidate.token);
  beam.path.log_probs.push_back(child.candidate.log_prob);
  beam.runs = !beam.path.ended(options_) && beam.path.generated(options_) < options_.max_new_tokens;
  return beam;
}

std::vector<Hypothesis> StochasticBeamSearch::results() const {
  std::vector<Hypothesis> hypotheses;
  for (const Beam& beam : beams_) {
    const bool ended = beam.path.ended(options_);
    if (!beam.path.acceptable(options_)) continue;
    hypotheses.push_back(report(options_, beam.path, beam.perturbed,
                                ended ? FinishReason::eos : FinishReason::length));
  }
  return rank(options_, std::move(hypotheses));
}

}  // namespace tandem
