// The published rules of Hugging Face's group beam search, on dense tables, as literally as C++
// allows. Rules: transformers 4.46, generation/utils.py `_group_beam_search`, generation/
// beam_search.py `BeamSearchScorer` and `BeamHypotheses`, and HammingDiversityLogitsProcessor; for
// the other kinds of diversity, the definitions of decoding/diversity_cost.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "decoding/search_options.h"
#include "support/huggingface_oracle.h"
#include "support/table_model.h"

namespace tandem::testing {

class GroupBeamOracle {
 public:
  GroupBeamOracle(const TableModel& model, int sentence, const SearchOptions& options)
      : model_(model),
        sentence_(sentence),
        options_(options),
        processors_(model, sentence, options),
        width_(static_cast<std::size_t>(options.num_beams / options.num_beam_groups)) {}

  std::vector<OracleHypothesis> search();

 private:
  struct Beam {
    Tokens ids;
    double score = 0;
  };
  struct Group {
    std::vector<Beam> running;
    std::vector<OracleHypothesis> finished;  // scores divided by the length
    double worst = 1e9;
    bool done = false;
    bool has_stopped = false;  // before the step
  };
  using Groups = std::vector<Group>;

  void add(Group& group, const Tokens& ids, double sum, std::size_t length) const {
    const double score = sum / std::pow(static_cast<double>(length), options_.length_penalty);
    if (group.finished.size() >= width_ && score <= group.worst) return;
    group.finished.push_back({ids, score});
    if (group.finished.size() > width_) {
      const auto lowest = [](const auto& a, const auto& b) { return a.score < b.score; };
      group.finished.erase(std::min_element(group.finished.begin(), group.finished.end(), lowest));
      group.worst = std::min_element(group.finished.begin(), group.finished.end(), lowest)->score;
    } else {
      group.worst = std::min(group.worst, score);
    }
  }
  bool is_done(const Group& group, double best_sum, std::size_t length) const {
    if (group.finished.size() < width_) return false;
    if (options_.early_stopping == EarlyStopping::yes) return true;
    double divisor = static_cast<double>(length);
    if (options_.early_stopping == EarlyStopping::never && options_.length_penalty > 0)
      divisor = options_.max_new_tokens;
    return group.worst >= best_sum / std::pow(divisor, options_.length_penalty);
  }
  double cost(const Tokens& ids, TokenId token, const Groups& groups, std::size_t earlier) const;
  std::vector<Beam> candidates(const Groups& groups, std::size_t number) const;
  void step(Groups& groups, std::size_t number, std::size_t generated) const;

  TableModel model_;
  int sentence_;
  SearchOptions options_;
  HuggingFaceOracle processors_;
  std::size_t width_;
};

// How often `token` counts after `ids`, by what the first `earlier` groups hold.
inline double GroupBeamOracle::cost(const Tokens& ids, TokenId token, const Groups& groups,
                                    std::size_t earlier) const {
  const Diversity kind = std::get<DiverseBeam>(options_.strategy).diversity;
  const std::size_t prompt = 1 + options_.prefix.size();
  double count = 0;
  const auto add_pairs = [&](const Tokens& text) {
    for (std::size_t i = prompt; i < text.size(); ++i)
      if (text[i - 1] == ids.back() && text[i] == token && !options_.is_eos(token)) ++count;
  };
  for (std::size_t g = 0; g < earlier; ++g) {
    const Group& group = groups[g];
    if (kind == Diversity::hamming && group.has_stopped && token == options_.pad_token)
      count += static_cast<double>(width_);
    if (kind == Diversity::ngram)
      for (const OracleHypothesis& hypothesis : group.finished) add_pairs(hypothesis.ids);
    if (group.has_stopped) continue;
    for (const Beam& beam : group.running) {
      if (beam.score < -1e7) continue;  // padding
      if (kind == Diversity::ngram) add_pairs(beam.ids);
      if (kind == Diversity::ngram || beam.ids.back() != token) continue;
      ++count;
      if (kind == Diversity::cumulative)
        for (std::size_t i = prompt; i < ids.size(); ++i) count += beam.ids[i] == ids[i] ? 1 : 0;
    }
  }
  return count;
}

inline std::vector<GroupBeamOracle::Beam> GroupBeamOracle::candidates(const Groups& groups,
                                                                      std::size_t number) const {
  std::vector<Beam> all;
  for (const Beam& beam : groups[number].running) {
    auto scores = log_softmax(model_.logits(sentence_, beam.ids));
    for (std::size_t token = 0; token < scores.size(); ++token)
      scores[token] -=
          options_.diversity_penalty * cost(beam.ids, static_cast<TokenId>(token), groups, number);
    scores = processors_.process(beam.ids, std::move(scores));
    for (std::size_t token = 0; token < scores.size(); ++token) {
      Beam candidate{beam.ids, beam.score + scores[token]};
      candidate.ids.push_back(static_cast<TokenId>(token));
      all.push_back(std::move(candidate));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Beam& a, const Beam& b) { return a.score > b.score; });
  all.resize(std::max<std::size_t>(2, 1 + options_.eos_tokens.size()) * width_);
  return all;
}

inline void GroupBeamOracle::step(Groups& groups, std::size_t number, std::size_t generated) const {
  Group& group = groups[number];
  group.has_stopped = group.done;
  if (group.done) return;
  const std::vector<Beam> best = candidates(groups, number);
  std::vector<Beam> next;
  for (std::size_t rank = 0; rank < best.size() && next.size() < width_; ++rank) {
    if (!options_.is_eos(best[rank].ids.back())) {
      next.push_back(best[rank]);
    } else if (rank < width_) {
      add(group, best[rank].ids, best[rank].score, generated);
    }
  }
  group.running = std::move(next);
  group.done = is_done(group, best.front().score, generated);
}

inline std::vector<OracleHypothesis> GroupBeamOracle::search() {
  Tokens prompt{options_.start_token};
  prompt.insert(prompt.end(), options_.prefix.begin(), options_.prefix.end());
  std::vector<Group> groups(static_cast<std::size_t>(options_.num_beam_groups));
  for (Group& group : groups) {
    group.running.assign(width_, Beam{prompt, -1e9});
    group.running[0].score = 0;
  }
  const auto limit = static_cast<std::size_t>(options_.max_new_tokens);
  for (std::size_t generated = 1; generated <= limit; ++generated) {
    for (std::size_t number = 0; number < groups.size(); ++number) step(groups, number, generated);
    if (std::all_of(groups.begin(), groups.end(), [](const Group& group) { return group.done; }))
      break;
  }
  std::vector<OracleHypothesis> all;
  for (Group& group : groups) {
    if (!group.done)
      for (const Beam& beam : group.running) add(group, beam.ids, beam.score, limit);
    for (const OracleHypothesis& hypothesis : group.finished)
      if (hypothesis.score > -1e7)  // the rest is padding
        all.push_back({Tokens(hypothesis.ids.begin() + 1, hypothesis.ids.end()), hypothesis.score});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  const auto wanted = static_cast<std::size_t>(options_.num_return_sequences);
  if (all.size() > wanted) all.resize(wanted);
  return all;
}

}  // namespace tandem::testing
