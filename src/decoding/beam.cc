#include "decoding/beam.h"

#include <algorithm>
#include <utility>

namespace tandem {

BeamSearch::BeamSearch(SearchOptions options, int least_candidates)
    : options_(std::move(options)),
      group_(options_, options_.num_beams, BeamRules::transformers_5),
      chain_(options_, ScoreSpace::log_probs, std::max(group_.num_candidates(), least_candidates)) {
  auto [path, valid] = Path::start(options_);
  if (!valid) return;
  rows_.push_back(opening_row(options_, chain_.query(path)));
  group_.start(std::move(path));
}

void BeamSearch::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) group_.set_prefix_log_probs(prefix_log_probs(options_, candidates));
  extend(candidates);
  rows_ = group_.next_rows(chain_);
  update_settled();
}

std::vector<Extension> BeamSearch::all_extensions(const Candidates& candidates) const {
  std::vector<Extension> extensions;
  for (std::size_t row = 0; row < rows_.size(); ++row)
    append_extensions(group_.running()[row], static_cast<int>(row), candidates.after(row),
                      extensions);
  return extensions;
}

void BeamSearch::extend(const Candidates& candidates) {
  group_.extend(all_extensions(candidates));
}

void BeamSearch::update_settled() {
  if (rows_.empty()) return settled_.update(results());
  if (options_.constraint) return;
  std::vector<std::span<const TokenId>> outputs;
  group_.append_outputs(outputs);
  settled_.update(outputs);
}

}  // namespace tandem
