#include "decoding/ranked_sampling.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "decoding/prefix_scores.h"
#include "decoding/random_stream.h"
#include "decoding/running_outputs.h"

namespace tandem {

RankedSamplingSearch::RankedSamplingSearch(SearchOptions options, RankedSampling ranking)
    : options_(std::move(options)),
      ranking_(std::move(ranking)),
      chain_(options_, ScoreSpace::logits,
             candidates_to_warp(options_.warpers, options_.vocabulary_size)) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, chain_.query(path)));
  samples_.push_back({.path = std::move(path)});
}

void RankedSamplingSearch::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0)
    samples_.front().path.log_probs = prefix_log_probs(options_, candidates);
  if (piece_length_ == 0) branch();
  append_tokens(candidates);
  ++piece_length_;
  const bool none_runs = std::none_of(samples_.begin(), samples_.end(),
                                      [](const Sample& sample) { return sample.runs; });
  if (none_runs || piece_length_ == ranking_.piece) keep_best();
  rows_ = rows_of_running(samples_, [&](const Path& path) { return chain_.query(path); });
  settle_running(options_, *this, samples_, settled_);
}

// At the start of a piece: the samples that continue one output read the answer to its one row.
void RankedSamplingSearch::branch() {
  std::vector<Sample> branches;
  int number = 0;
  for (Sample& sample : samples_) {
    const int copies = sample.runs ? ranking_.samples : 1;
    for (int copy = 0; copy < copies; ++copy) {
      branches.push_back({sample.path.fork(), number, sample.row, sample.runs, sample.score});
      number += sample.runs ? 1 : 0;
    }
  }
  samples_ = std::move(branches);
}

void RankedSamplingSearch::append_tokens(const Candidates& candidates) {
  std::vector<Choice> choices;
  int warped_row = -1;  // samples of one row are neighbours
  std::erase_if(samples_, [&](Sample& sample) {
    if (!sample.runs) return false;
    if (sample.row != warped_row) {
      choices = warp(options_.warpers, candidates.after(static_cast<std::size_t>(sample.row)));
      warped_row = sample.row;
    }
    return !append_token(sample, choices);
  });
}

// False for a dead end, and at the length limit where the output may not end.
bool RankedSamplingSearch::append_token(Sample& sample, std::span<const Choice> choices) {
  if (choices.empty()) return false;
  Path& path = sample.path;
  RandomStream random(options_.seed, sample.number, path.generated(options_));
  const Candidate& drawn = draw(choices, random.uniform()).candidate;
  path.append(options_, drawn.token);
  path.log_probs.push_back(drawn.log_prob);
  path.score += drawn.log_prob;
  sample.runs = !path.ended(options_) && path.generated(options_) < options_.max_new_tokens;
  return sample.runs || path.acceptable(options_);
}

// At the end of a piece.
void RankedSamplingSearch::keep_best() {
  piece_length_ = 0;
  if (samples_.empty()) return;
  std::vector<std::vector<TokenId>> outputs;
  for (const Sample& sample : samples_)
    outputs.emplace_back(sample.path.ids().begin(), sample.path.ids().end());
  const auto scores = score_prefixes(ranking_.scorer, options_.source, outputs);
  for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i].score = scores[i];
  std::erase_if(samples_, [](const Sample& sample) { return std::isinf(sample.score); });
  std::stable_sort(samples_.begin(), samples_.end(),
                   [](const Sample& a, const Sample& b) { return a.score > b.score; });
  const auto most = static_cast<std::size_t>(ranking_.beams);
  if (samples_.size() > most)
    samples_.erase(samples_.begin() + static_cast<std::ptrdiff_t>(most), samples_.end());
}

std::vector<Hypothesis> RankedSamplingSearch::results() const {
  std::vector<Hypothesis> hypotheses;
  for (const Sample& sample : samples_) {
    if (!sample.path.acceptable(options_)) continue;
    const bool ended = sample.path.ended(options_);
    hypotheses.push_back(report(options_, sample.path, sample.score,
                                ended ? FinishReason::eos : FinishReason::length));
  }
  return rank(options_, std::move(hypotheses));
}

}  // namespace tandem
