#include "decoding/diversity_cost.h"

#include <cstddef>
#include <variant>

namespace tandem {

DiversityCost::DiversityCost(const SearchOptions& options)
    : options_(options), kind_(std::get<DiverseBeam>(options.strategy).diversity) {}

void DiversityCost::add(const BeamGroup& group, bool has_stopped) {
  if (has_stopped)
    stopped_beams_ += group.width();
  else
    chosen_.insert(chosen_.end(), group.chosen().begin(), group.chosen().end());
  if (kind_ != Diversity::ngram) return;
  for (const Hypothesis& hypothesis : group.finished()) {
    if (hypothesis.finish_reason != FinishReason::eos) continue;  // is among the chosen ones
    finished_.push_back({options_.start_token});
    finished_.back().insert(finished_.back().end(), hypothesis.ids.begin(), hypothesis.ids.end());
  }
}

std::map<TokenId, double> DiversityCost::counts(const Path& path) const {
  std::map<TokenId, double> counts;
  switch (kind_) {
    case Diversity::hamming:
      if (stopped_beams_ > 0) counts[options_.pad_token] += stopped_beams_;
      for (const Text& text : chosen_) ++counts[text.back()];
      break;
    case Diversity::cumulative:
      for (const Text& text : chosen_) counts[text.back()] += 1 + agreement(text, path);
      break;
    case Diversity::ngram:
      for (const Text& text : chosen_) count_pairs(text, path.history.back(), counts);
      for (const Text& text : finished_) count_pairs(text, path.history.back(), counts);
      break;
  }
  return counts;
}

int DiversityCost::known_next(const Path& path) const {
  return kind_ == Diversity::ngram ? static_cast<int>(counts(path).size()) : 0;
}

// At how many generated positions both hold the same token.
double DiversityCost::agreement(const Text& text, const Path& path) const {
  double agreeing = 0;
  for (std::size_t i = 1 + options_.prefix.size(); i < path.history.size(); ++i)
    agreeing += text[i] == path.history[i] ? 1 : 0;
  return agreeing;
}

void DiversityCost::count_pairs(const Text& text, TokenId before,
                                std::map<TokenId, double>& counts) const {
  for (std::size_t i = 1 + options_.prefix.size(); i < text.size(); ++i)
    if (text[i - 1] == before && !options_.is_eos(text[i])) ++counts[text[i]];
}

}  // namespace tandem
