#include "decoding/particle_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <variant>

#include "decoding/adaptive_rejection.h"
#include "decoding/random_stream.h"
#include "decoding/resampling.h"
#include "decoding/running_outputs.h"

namespace tandem {
namespace {

// Whether a token may follow a path: the constraint, and at the last place nothing but an end.
class Condition {
 public:
  Condition(const SearchOptions& options, const Path& path)
      : options_(options),
        is_last_(path.generated(options) + 1 >= options.max_new_tokens),
        // A forced first token is not the constraint's business.
        is_mark_(path.history.size() == 1 && options.forced_bos_token >= 0) {
    if (path.constraint && !is_mark_) {
      mask_ = path.constraint->allowed();
      can_end_ = path.constraint->can_end();
    }
  }

  bool operator()(TokenId token) const {
    if (options_.is_eos(token) && !is_mark_) return can_end_;
    return !is_last_ && mask_.allows(token);
  }

 private:
  const SearchOptions& options_;
  bool is_last_;
  bool is_mark_;
  TokenMask mask_;
  bool can_end_ = true;
};

}  // namespace

ParticleSearch::ParticleSearch(SearchOptions options)
    : options_(std::move(options)),
      settings_(std::get<SequentialMonteCarlo>(options_.strategy)),
      masks_rows_(settings_.proposal == Proposal::masked && !options_.renormalize),
      chain_(options_, ScoreSpace::log_probs, options_.vocabulary_size) {
  const auto [path, valid] = Path::start(options_);
  if (!valid) return;
  for (int number = 0; number < settings_.particles; ++number)
    particles_.push_back({.path = path.fork()});
  rows_.push_back(opening_row(options_, query(path)));
}

CandidateQuery ParticleSearch::query(const Path& path) const {
  return masks_rows_ ? chain_.query(path) : chain_.unconstrained_query(path);
}

void ParticleSearch::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) {
    const auto log_probs = prefix_log_probs(options_, candidates);
    for (Particle& particle : particles_) particle.path.log_probs = log_probs;
  }
  int step = 0;
  for (std::size_t number = 0; number < particles_.size(); ++number) {
    const Particle& particle = particles_[number];
    if (!particle.runs) continue;
    step = particle.path.generated(options_);
    extend(number, candidates.after(static_cast<std::size_t>(particle.row)));
  }
  resample_if_due(step);
  rows_ = rows_of_running(particles_, [&](const Path& path) { return query(path); });
}

void ParticleSearch::extend(std::size_t number, std::span<const Candidate> answer) {
  const Proposed proposed = propose(number, answer);
  Particle& particle = particles_[number];
  particle.log_weight += proposed.log_weight;
  particle.runs = particle.log_weight > -INFINITY;
  if (!particle.runs) return;
  particle.path.append(options_, proposed.candidate.token);
  particle.path.log_probs.push_back(proposed.candidate.log_prob);
  particle.runs = !particle.path.ended(options_);
}

ParticleSearch::Proposed ParticleSearch::propose(std::size_t number,
                                                 std::span<const Candidate> answer) const {
  const Path& path = particles_[number].path;
  const Condition condition(options_, path);
  RandomStream random(options_.seed, static_cast<int>(number), path.generated(options_));
  const bool is_masked = settings_.proposal == Proposal::masked;
  std::vector<Candidate> open;
  std::vector<double> log_p;
  for (const Candidate& candidate : answer) {
    if (is_masked && !condition(candidate.token)) continue;
    open.push_back(candidate);
    log_p.push_back(static_cast<double>(candidate.score));
  }
  if (open.empty()) return {{}, -INFINITY};
  const auto accepts = [&](std::size_t i) { return is_masked || condition(open[i].token); };
  if (!is_masked) {
    const RejectionDraw drawn = draw_adaptive(log_p, accepts, {}, random);
    return {open[drawn.index], drawn.log_weight};
  }
  const double log_mass = log_sum_exp(log_p);
  double place = random.uniform();
  std::size_t index = 0;
  while (index + 1 < open.size() && (place -= std::exp(log_p[index] - log_mass)) >= 0) ++index;
  return {open[index], log_mass};
}

std::vector<double> ParticleSearch::log_weights() const {
  std::vector<double> weights;
  for (const Particle& particle : particles_) weights.push_back(particle.log_weight);
  return weights;
}

void ParticleSearch::resample_if_due(int step) {
  const std::vector<double> weights = log_weights();
  const double size = effective_sample_size(weights);
  if (size == 0 || size >= settings_.ess_threshold * settings_.particles) return;
  RandomStream random(options_.seed, settings_.particles, step);  // beyond those of the particles
  const double mean = log_sum_exp(weights) - std::log(static_cast<double>(particles_.size()));
  std::vector<Particle> resampled;
  for (const std::size_t ancestor : stratified_ancestors(weights, random)) {
    const Particle& from = particles_[ancestor];
    resampled.push_back({from.path.fork(), mean, from.row, from.runs});
  }
  particles_ = std::move(resampled);
}

std::optional<double> ParticleSearch::log_evidence() const {
  if (particles_.empty()) return -INFINITY;
  return log_sum_exp(log_weights()) - std::log(static_cast<double>(particles_.size()));
}

std::vector<Hypothesis> ParticleSearch::results() const {
  const double log_total = log_sum_exp(log_weights());
  std::vector<Hypothesis> hypotheses;
  std::map<std::vector<TokenId>, std::size_t> places;
  for (const Particle& particle : particles_) {
    const Path& path = particle.path;
    if (particle.log_weight == -INFINITY || !path.acceptable(options_)) continue;
    const double weight = std::exp(particle.log_weight - log_total);
    const auto [place, is_new] = places.try_emplace(path.history, hypotheses.size());
    if (is_new) {
      const auto reason = path.ended(options_) ? FinishReason::eos : FinishReason::length;
      hypotheses.push_back(report(options_, path, 0, reason));
      hypotheses.back().weight = 0;
    }
    *hypotheses[place->second].weight += weight;
  }
  for (Hypothesis& hypothesis : hypotheses) {
    hypothesis.weight = std::min(*hypothesis.weight, 1.0);  // a sum of rounded shares
    hypothesis.score = std::log(*hypothesis.weight);
  }
  return rank(options_, std::move(hypotheses));
}

}  // namespace tandem
