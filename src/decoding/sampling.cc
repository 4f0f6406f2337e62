#include "decoding/sampling.h"

#include <algorithm>
#include <utility>

#include "decoding/random_stream.h"
#include "decoding/running_outputs.h"

namespace tandem {

Sampling::Sampling(SearchOptions options, int num_samples)
    : options_(std::move(options)),
      chain_(options_, ScoreSpace::logits,
             candidates_to_warp(options_.warpers, options_.vocabulary_size)),
      stop_strings_(options_) {
  const auto [path, valid] = Path::start(options_);
  if (!valid) return;
  for (int number = 0; number < num_samples; ++number) samples_.push_back({.path = path.fork()});
  rows_.push_back(opening_row(options_, chain_.query(path)));
}

void Sampling::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) {
    const auto log_probs = prefix_log_probs(options_, candidates);
    for (Sample& sample : samples_) sample.path.log_probs = log_probs;
  }
  std::vector<Choice> choices;
  int warped_row = -1;  // the first row is shared by all samples
  for (std::size_t number = 0; number < samples_.size(); ++number) {
    const Sample& sample = samples_[number];
    if (!sample.runs) continue;
    if (sample.row != warped_row) {
      choices = warp(options_.warpers, candidates.after(static_cast<std::size_t>(sample.row)));
      warped_row = sample.row;
    }
    extend(static_cast<int>(number), choices);
  }
  rows_ = rows_of_running(samples_, [&](const Path& path) { return chain_.query(path); });
  if (rows_.empty() || !options_.constraint) settled_.update(results());
}

void Sampling::extend(int number, std::span<const Choice> choices) {
  Sample& sample = samples_[static_cast<std::size_t>(number)];
  const auto close = [&](FinishReason reason) {
    sample.runs = false;
    sample.reason = reason;
  };
  if (choices.empty()) return close(FinishReason::constraint_unsatisfied);
  Path& path = sample.path;
  RandomStream random(options_.seed, number, path.generated(options_));
  const Candidate& drawn = draw(choices, random.uniform()).candidate;
  path.append(options_, drawn.token);
  path.log_probs.push_back(drawn.log_prob);
  path.score += drawn.log_prob;
  if (path.ended(options_)) return close(FinishReason::eos);
  if (stop_strings_.completed(path.ids())) return close(FinishReason::stopped);
  if (path.generated(options_) >= options_.max_new_tokens) close(FinishReason::length);
}

std::vector<Hypothesis> Sampling::results() const {
  std::vector<Hypothesis> hypotheses;
  for (const Sample& sample : samples_) {
    if (sample.reason == FinishReason::constraint_unsatisfied) continue;
    Hypothesis hypothesis = report(options_, sample.path, sample.path.score, sample.reason);
    if (hypothesis.finish_reason != FinishReason::constraint_unsatisfied)
      hypotheses.push_back(std::move(hypothesis));
  }
  if (hypotheses.empty()) hypotheses.push_back(report_unsatisfied());
  return hypotheses;
}

}  // namespace tandem
