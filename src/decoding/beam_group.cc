#include "decoding/beam_group.h"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

// Removes those from place `first` on that `unwanted` picks.
template <typename Unwanted>
void remove_from(std::size_t first, std::vector<Extension>& extensions, const Unwanted& unwanted) {
  if (extensions.size() <= first) return;
  const auto begin = extensions.begin() + static_cast<std::ptrdiff_t>(first);
  extensions.erase(std::remove_if(begin, extensions.end(), unwanted), extensions.end());
}

}  // namespace

BeamGroup::BeamGroup(const SearchOptions& options, int width, BeamRules rules)
    : options_(options), width_(width), rules_(rules) {}

int BeamGroup::num_candidates() const {
  return std::max(2, 1 + static_cast<int>(options_.eos_tokens.size())) * width_;
}

void BeamGroup::extend(std::vector<Extension> extensions) {
  keep_best(static_cast<std::size_t>(num_candidates()), extensions);
  remove_from(static_cast<std::size_t>(width_), extensions, [&](const Extension& extension) {
    return options_.is_eos(extension.candidate.token);
  });
  take(extensions);
}

void BeamGroup::extend_drawn(std::vector<Extension> drawn) {
  const bool is_last = running_.front().generated(options_) + 1 >= options_.max_new_tokens;
  remove_from(static_cast<std::size_t>(width_), drawn, [&](const Extension& extension) {
    return is_last || options_.is_eos(extension.candidate.token);
  });
  keep_best(drawn.size(), drawn);
  take(drawn);
}

void BeamGroup::take(const std::vector<Extension>& best_first) {
  chosen_.clear();
  if (best_first.empty()) return running_.clear();
  std::vector<Path> next;
  std::vector<int> parents;
  for (const Extension& extension : best_first) {
    const bool is_eos = options_.is_eos(extension.candidate.token);
    if (!is_eos && next.size() == static_cast<std::size_t>(width_)) continue;
    const Path& parent = running_[static_cast<std::size_t>(extension.parent)];
    Path path = tandem::extend(options_, parent, extension);
    if (is_eos) {
      keep_finished(path, FinishReason::eos);
    } else {
      chosen_.push_back(path.history);
      parents.push_back(extension.parent);
      next.push_back(std::move(path));
    }
  }
  const bool was_first = running_.front().history.size() == 1;
  const int length = running_.front().generated(options_) + 1;
  running_ = std::move(next);
  parents_ = std::move(parents);
  if (was_first && options_.forced_bos_token >= 0) fill_up();
  stop_if_due(length, best_first.front());
}

// A forced first token leaves one running output. transformers runs width_ copies of it, all but
// the first with a sum of -1e9, and reports them where only the end may follow.
void BeamGroup::fill_up() {
  constexpr double kFillerScore = -1e9;
  if (running_.size() != 1 || !running_.front().constraint) return;
  const TokenMask allowed = running_.front().constraint->allowed();
  if (allowed.list() == nullptr || !allowed.list()->empty()) return;
  while (running_.size() < static_cast<std::size_t>(width_)) {
    running_.push_back(running_.front().fork());
    running_.back().score += kFillerScore;
    parents_.push_back(parents_.front());
    chosen_.push_back(running_.front().history);
  }
}

// `length` tokens have been generated, of which this step's best candidate has the last.
void BeamGroup::stop_if_due(int length, const Extension& best_candidate) {
  const bool at_limit = length >= options_.max_new_tokens;
  const bool is_version_5 = rules_ == BeamRules::transformers_5;
  if (!running_.empty() && !(at_limit && is_version_5)) {
    const bool full = finished_.size() == static_cast<std::size_t>(width_);
    done_ = full &&
            (options_.early_stopping == EarlyStopping::yes || !can_improve(length, best_candidate));
  }
  if (!at_limit) return;
  // Those that rank below the best `width` candidates cannot displace one of them: all have the
  // same length.
  if (!done_)
    for (const Path& path : running_) keep_finished(path, FinishReason::length);
  running_.clear();
}

Hypothesis BeamGroup::report_path(const Path& path, FinishReason reason) const {
  const double score = final_score(options_, path.score, path.generated(options_)) + path.bonus;
  Hypothesis hypothesis = report(options_, path, score, reason);
  if (rules_ == BeamRules::transformers_4) hypothesis.diversity_score = path.score;
  return hypothesis;
}

void BeamGroup::keep_finished(const Path& path, FinishReason reason) {
  if (!path.acceptable(options_)) return;
  Hypothesis hypothesis = report_path(path, reason);
  const auto place = std::find_if(finished_.begin(), finished_.end(), [&](const Hypothesis& other) {
    return other.score < hypothesis.score;
  });
  finished_.insert(place, std::move(hypothesis));
  if (finished_.size() > static_cast<std::size_t>(width_)) finished_.pop_back();
}

// True if what runs on may still get into the finished ones, by the estimate of the rules.
bool BeamGroup::can_improve(int length, const Extension& best_candidate) const {
  const bool longest =
      options_.early_stopping == EarlyStopping::never && options_.length_penalty > 0;
  const auto estimate = [&](const auto& output) {
    return final_score(options_, output.score, longest ? options_.max_new_tokens : length) +
           output.bonus;
  };
  const double worst = finished_.back().score;
  if (rules_ == BeamRules::transformers_4) return estimate(best_candidate) > worst;
  return std::any_of(running_.begin(), running_.end(),
                     [&](const Path& path) { return estimate(path) > worst; });
}

std::vector<Row> BeamGroup::next_rows(const ProcessorChain& chain) const {
  std::vector<Row> rows;
  if (done()) return rows;
  for (std::size_t i = 0; i < running_.size(); ++i)
    rows.push_back(next_row(running_[i], parents_[i], chain.query(running_[i])));
  return rows;
}

void BeamGroup::set_prefix_log_probs(const std::vector<float>& log_probs) {
  for (Path& path : running_) path.log_probs = log_probs;
}

std::vector<Hypothesis> BeamGroup::hypotheses() const {
  std::vector<Hypothesis> all = finished_;
  if (done_) return all;
  for (const Path& path : running_)
    if (path.acceptable(options_)) all.push_back(report_path(path, FinishReason::length));
  return all;
}

void BeamGroup::append_outputs(std::vector<std::span<const TokenId>>& outputs) const {
  for (const Hypothesis& hypothesis : finished_) outputs.emplace_back(hypothesis.ids);
  if (done_) return;
  for (const Path& path : running_) outputs.push_back(path.ids());
}

}  // namespace tandem
