#include "decoding/ctranslate2_beam.h"

#include <algorithm>
#include <utility>

namespace tandem {

CTranslate2Beam::CTranslate2Beam(SearchOptions options)
    : options_(std::move(options)),
      chain_(options_, ScoreSpace::logits, 2 * options_.num_beams),
      width_(static_cast<std::size_t>(options_.num_beams)),
      enough_(static_cast<std::size_t>(options_.most_hypotheses())) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, chain_.query(path)));
  running_.push_back(std::move(path));
}

std::vector<Extension> CTranslate2Beam::best_extensions(const Candidates& candidates) const {
  std::vector<Extension> extensions;
  for (std::size_t row = 0; row < rows_.size(); ++row)
    append_extensions(running_[row], static_cast<int>(row),
                      candidates.after(row, rows_[row].feed.size() - 1), extensions);
  keep_best(2 * width_, extensions);
  return extensions;
}

void CTranslate2Beam::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) running_.front().log_probs = prefix_log_probs(options_, candidates);
  const std::vector<Extension> places = take_places(best_extensions(candidates));

  std::vector<Path> next;
  rows_.clear();
  if (!is_over()) {
    for (const Extension& extension : places) {
      Path path = extend(options_, running_[static_cast<std::size_t>(extension.parent)], extension);
      rows_.push_back(next_row(path, extension.parent, chain_.query(path)));
      next.push_back(std::move(path));
    }
  }
  running_ = std::move(next);
  settle_beam(options_, finished_, running_, settled_);
}

std::vector<Extension> CTranslate2Beam::take_places(const std::vector<Extension>& extensions) {
  const int generated = running_.front().generated(options_);
  const bool is_last = generated + 1 >= options_.max_new_tokens;
  const bool follows_prefix = generated == 0 && !options_.prefix.empty();
  std::vector<Extension> places;
  std::size_t left_over = width_;  // the first candidate that may still take a place
  for (std::size_t rank = 0; rank < std::min(width_, extensions.size()); ++rank) {
    const Extension& extension = extensions[rank];
    if (ends(extension) && follows_prefix && rank > 0) continue;
    if (!ends(extension) && !is_last) {
      places.push_back(extension);
      continue;
    }
    finish(extension);
    if (rank == 0) best_has_ended_ = true;
    while (left_over < extensions.size() && ends(extensions[left_over])) ++left_over;
    if (!is_last && left_over < extensions.size()) places.push_back(extensions[left_over++]);
  }
  return places;
}

void CTranslate2Beam::finish(const Extension& extension) {
  const Path path =
      extend(options_, running_[static_cast<std::size_t>(extension.parent)], extension);
  if (!path.acceptable(options_)) return;
  finished_.push_back(report(options_, path,
                             final_score(options_, path.score, path.generated(options_)),
                             path.ended(options_) ? FinishReason::eos : FinishReason::length));
}

bool CTranslate2Beam::is_over() const {
  if (options_.length_penalty != 0) return finished_.size() >= enough_;
  const auto wanted = static_cast<std::size_t>(options_.num_return_sequences);
  return best_has_ended_ && finished_.size() >= wanted;
}

}  // namespace tandem
