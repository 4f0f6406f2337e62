#include "decoding/beam.h"

#include <utility>

namespace tandem {

BeamSearch::BeamSearch(SearchOptions options)
    : options_(std::move(options)),
      group_(options_, options_.num_beams, BeamRules::transformers_5),
      chain_(options_, ScoreSpace::log_probs, group_.num_candidates()) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, chain_.query(path)));
  group_.start(std::move(path));
}

void BeamSearch::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) group_.set_prefix_log_probs(prefix_log_probs(options_, candidates));
  std::vector<Extension> extensions;
  for (std::size_t row = 0; row < rows_.size(); ++row)
    append_extensions(group_.running()[row], static_cast<int>(row),
                      candidates.after(row, rows_[row].feed.size() - 1), extensions);
  group_.extend(std::move(extensions));
  rows_.clear();
  if (!group_.done()) {
    for (std::size_t i = 0; i < group_.running().size(); ++i)
      rows_.push_back(
          next_row(group_.running()[i], group_.parents()[i], chain_.query(group_.running()[i])));
  }
  update_settled();
}

void BeamSearch::update_settled() {
  if (!rows_.empty() && options_.constraint) return;
  std::vector<std::span<const TokenId>> outputs;
  std::vector<Hypothesis> last;
  if (rows_.empty()) {
    last = results();
    for (const Hypothesis& hypothesis : last) outputs.emplace_back(hypothesis.ids);
  } else {
    group_.append_outputs(outputs);
  }
  settled_.update(outputs);
}

std::vector<Hypothesis> BeamSearch::results() const {
  return rank(options_, group_.hypotheses());
}

}  // namespace tandem
