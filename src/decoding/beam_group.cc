#include "decoding/beam_group.h"

#include <algorithm>
#include <utility>

namespace tandem {

BeamGroup::BeamGroup(const SearchOptions& options, int width, StopBound bound)
    : options_(options), width_(width), bound_(bound) {}

int BeamGroup::num_candidates() const {
  return std::max(2, 1 + static_cast<int>(options_.eos_tokens.size())) * width_;
}

void BeamGroup::extend(std::vector<Extension> extensions) {
  keep_best(static_cast<std::size_t>(num_candidates()), extensions);
  std::vector<Path> next;
  std::vector<int> parents;
  last_tokens_.clear();
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t rank = 0; rank < extensions.size(); ++rank) {
    const Extension& extension = extensions[rank];
    const Path& parent = running_[static_cast<std::size_t>(extension.parent)];
    const bool is_eos = options_.is_eos(extension.candidate.token);
    if (!is_eos && last_tokens_.size() < width) last_tokens_.push_back(extension.candidate.token);
    const bool ends = is_eos || parent.generated(options_) + 1 >= options_.max_new_tokens;
    if (ends ? rank >= width : next.size() == width) continue;

    Path path = tandem::extend(options_, parent, extension);
    if (ends) {
      keep_finished(path, is_eos ? FinishReason::eos : FinishReason::length);
    } else {
      next.push_back(std::move(path));
      parents.push_back(extension.parent);
    }
  }
  running_ = std::move(next);
  parents_ = std::move(parents);
  if (running_.empty()) return;
  const double best =
      bound_ == StopBound::best_running ? running_.front().score : extensions.front().score;
  const bool full = finished_.size() == width;
  done_ = full && (options_.early_stopping == EarlyStopping::yes || !can_improve(best));
}

void BeamGroup::keep_finished(const Path& path, FinishReason reason) {
  if (!path.acceptable(options_)) return;
  const double score = final_score(options_, path.score, path.generated(options_));
  const auto place = std::find_if(finished_.begin(), finished_.end(),
                                  [&](const Hypothesis& other) { return other.score < score; });
  finished_.insert(place, report(options_, path, score, reason));
  if (finished_.size() > static_cast<std::size_t>(width_)) finished_.pop_back();
}

// True if a running output may still get into the finished ones, by the estimate of the rules.
bool BeamGroup::can_improve(double best_sum) const {
  const bool longest =
      options_.early_stopping == EarlyStopping::never && options_.length_penalty > 0;
  const int length = longest ? options_.max_new_tokens : running_.front().generated(options_);
  return final_score(options_, best_sum, length) > finished_.back().score;
}

void BeamGroup::set_prefix_log_probs(const std::vector<float>& log_probs) {
  for (Path& path : running_) path.log_probs = log_probs;
}

std::vector<Hypothesis> BeamGroup::hypotheses() const {
  std::vector<Hypothesis> all = finished_;
  if (done_) return all;
  for (const Path& path : running_) {
    if (!path.acceptable(options_)) continue;
    const double score = final_score(options_, path.score, path.generated(options_));
    all.push_back(report(options_, path, score, FinishReason::length));
  }
  return all;
}

void BeamGroup::append_outputs(std::vector<std::span<const TokenId>>& outputs) const {
  for (const Hypothesis& hypothesis : finished_) outputs.emplace_back(hypothesis.ids);
  if (done_) return;
  for (const Path& path : running_) outputs.push_back(path.ids());
}

}  // namespace tandem
