#include "decoding/marian_beam.h"

#include <utility>

#include "decoding/extension.h"

namespace tandem {

MarianBeam::MarianBeam(SearchOptions options)
    : options_(std::move(options)),
      chain_(options_, ScoreSpace::log_probs, options_.num_beams),
      width_(static_cast<std::size_t>(options_.num_beams)) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, chain_.query(path)));
  running_.push_back(std::move(path));
}

void MarianBeam::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) running_.front().log_probs = prefix_log_probs(options_, candidates);
  std::vector<Extension> extensions;
  for (std::size_t row = 0; row < rows_.size(); ++row)
    append_extensions(running_[row], static_cast<int>(row),
                      candidates.after(row), extensions);
  keep_best(width_, extensions);

  std::vector<Path> next;
  rows_.clear();
  for (const Extension& extension : extensions) {
    const Path& parent = running_[static_cast<std::size_t>(extension.parent)];
    Path path = extend(options_, parent, extension);
    const int length = path.generated(options_);
    const bool is_eos = path.ended(options_);
    if (is_eos || length >= options_.max_new_tokens) {
      if (is_eos) --width_;
      if (!path.acceptable(options_)) continue;
      finished_.push_back(report(options_, path, final_score(options_, path.score, length),
                                 is_eos ? FinishReason::eos : FinishReason::length));
    } else {
      rows_.push_back(next_row(path, extension.parent, chain_.query(path)));
      next.push_back(std::move(path));
    }
  }
  running_ = std::move(next);
  settle_beam(options_, finished_, running_, settled_);
}

}  // namespace tandem
