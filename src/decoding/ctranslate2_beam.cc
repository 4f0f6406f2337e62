#include "decoding/ctranslate2_beam.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tandem {

CTranslate2Beam::CTranslate2Beam(SearchOptions options)
    : options_(std::move(options)),
      chain_(options_, ScoreSpace::logits, 2 * options_.num_beams),
      width_(static_cast<std::size_t>(options_.num_beams)),
      enough_(static_cast<std::size_t>(options_.most_hypotheses())) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, query(path)));
  running_.push_back(std::move(path));
}

std::vector<Extension> CTranslate2Beam::best_extensions(const Candidates& candidates) const {
  std::vector<Extension> extensions;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    const auto answer = candidates.after(row);
    const TokenId token = preferred(running_[row]);
    if (token < 0)
      append_extensions(running_[row], static_cast<int>(row), answer, extensions);
    else
      append_extensions(running_[row], static_cast<int>(row), biased(answer, token), extensions);
  }
  keep_best(2 * width_, extensions);
  return extensions;
}

TokenId CTranslate2Beam::preferred(const Path& path) const {
  const auto& prefix = options_.soft_prefix;
  const std::span<const TokenId> ids = path.ids();
  const bool follows =
      ids.size() < prefix.size() && std::equal(ids.begin(), ids.end(), prefix.begin());
  return follows ? prefix[ids.size()] : -1;
}

CandidateQuery CTranslate2Beam::query(const Path& path) const {
  CandidateQuery query = chain_.query(path);
  if (preferred(path) >= 0) query.top_k = options_.vocabulary_size;
  return query;
}

std::vector<Candidate> CTranslate2Beam::biased(std::span<const Candidate> candidates,
                                               TokenId preferred) const {
  std::vector<Candidate> mixed(candidates.begin(), candidates.end());
  for (Candidate& candidate : mixed) {
    double probability =
        (1 - options_.prefix_bias) * std::exp(static_cast<double>(candidate.score));
    if (candidate.token == preferred) probability += options_.prefix_bias;
    candidate.score = static_cast<float>(std::log(probability));
  }
  return mixed;
}

void CTranslate2Beam::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) running_.front().log_probs = prefix_log_probs(options_, candidates);
  const std::vector<Extension> places = take_places(best_extensions(candidates));

  std::vector<Path> next;
  rows_.clear();
  if (!is_over()) {
    for (const Extension& extension : places) {
      Path path = extend(options_, running_[static_cast<std::size_t>(extension.parent)], extension);
      rows_.push_back(next_row(path, extension.parent, query(path)));
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
  if (options_.length_penalty != 0 || options_.coverage_penalty != 0)
    return finished_.size() >= enough_;
  const auto wanted = static_cast<std::size_t>(options_.num_return_sequences);
  return best_has_ended_ && finished_.size() >= wanted;
}

}  // namespace tandem
