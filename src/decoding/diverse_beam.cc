#include "decoding/diverse_beam.h"

#include <cmath>
#include <iterator>
#include <utility>

namespace tandem {
namespace {

// A row's candidates that no penalty can push out of the best: see the header.
int candidates_asked(const SearchOptions& options) {
  const int width = options.num_beams / options.num_beam_groups;
  const int best = BeamGroup(options, width, BeamRules::transformers_4).num_candidates();
  return best + options.num_beams - width;
}

// The candidate's score if its base score, after a hook, were lower by `penalty` before the query's
// edits.
float rescore(const CandidateQuery& query, const Candidate& candidate, double penalty) {
  if (penalty == 0) return candidate.score;  // to the last bit
  if (query.renormalize) return static_cast<float>(candidate.score - penalty);
  double score = static_cast<double>(candidate.log_prob) + candidate.hook_change - penalty;
  for (const ScoreEdit& edit : query.edits) {
    if (edit.token != candidate.token) continue;
    const double value = edit.value;
    switch (edit.kind) {
      case ScoreEdit::Kind::ban:
        break;  // not among the candidates then
      case ScoreEdit::Kind::penalize:
        score = score < 0 ? score * value : score / value;
        break;
      case ScoreEdit::Kind::add:
        score += value;
        break;
      case ScoreEdit::Kind::add_relative:
        score += std::abs(score) * value;
        break;
      case ScoreEdit::Kind::force:
        score = 0;
        break;
    }
  }
  return static_cast<float>(score);
}

}  // namespace

DiverseBeamSearch::DiverseBeamSearch(SearchOptions options)
    : options_(std::move(options)),
      chain_(options_, ScoreSpace::log_probs, candidates_asked(options_)),
      first_row_(static_cast<std::size_t>(options_.num_beam_groups), 0) {
  start();
}

void DiverseBeamSearch::start() {
  const auto [path, valid] = Path::start(options_);
  for (int group = 0; group < options_.num_beam_groups; ++group) {
    groups_.emplace_back(options_, group_width(), BeamRules::transformers_4);
    if (valid) groups_.back().start(path.fork());
  }
  // All groups read the answers to the one first row.
  if (valid) rows_.push_back(opening_row(options_, chain_.query(path)));
}

void DiverseBeamSearch::advance(const Candidates& candidates) {
  if (rows_.front().parent < 0) {
    const auto log_probs = prefix_log_probs(options_, candidates);
    for (BeamGroup& group : groups_) group.set_prefix_log_probs(log_probs);
  }
  DiversityCost cost(options_);
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const bool has_stopped = groups_[group].done();
    if (!has_stopped) advance_group(group, candidates, cost);
    cost.add(groups_[group], has_stopped);
  }
  make_rows();
  update_settled();
}

void DiverseBeamSearch::advance_group(std::size_t group, const Candidates& candidates,
                                      const DiversityCost& cost) {
  std::vector<Extension> extensions;
  std::vector<Candidate> penalized;
  const auto& running = groups_[group].running();
  for (std::size_t i = 0; i < running.size(); ++i) {
    const Row& row = rows_[first_row_[group] + i];
    const auto answer = candidates.after(first_row_[group] + i, row.feed.size() - 1);
    penalized.assign(answer.begin(), answer.end());
    const auto counts = cost.counts(running[i]);
    for (Candidate& candidate : penalized) {
      const auto times = counts.find(candidate.token);
      if (times == counts.end()) continue;
      const double penalty = options_.diversity_penalty * times->second;
      candidate.score = rescore(row.queries.back(), candidate, penalty);
    }
    append_extensions(running[i], static_cast<int>(i), penalized, extensions);
  }
  groups_[group].extend(std::move(extensions));
}

void DiverseBeamSearch::make_rows() {
  std::vector<Row> rows;
  DiversityCost earlier(options_);
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const std::size_t old_first = first_row_[group];
    first_row_[group] = rows.size();
    const bool has_stopped = groups_[group].done();
    const auto& running = groups_[group].running();
    for (std::size_t i = 0; i < running.size() && !has_stopped; ++i) {
      const int parent = static_cast<int>(old_first) + groups_[group].parents()[i];
      CandidateQuery query = chain_.query(running[i]);
      query.top_k += earlier.known_next(running[i]);
      rows.push_back(next_row(running[i], parent, std::move(query)));
    }
    earlier.add(groups_[group], has_stopped);
  }
  rows_ = std::move(rows);
}

void DiverseBeamSearch::update_settled() {
  if (!rows_.empty() && options_.constraint) return;
  std::vector<std::span<const TokenId>> outputs;
  std::vector<Hypothesis> last;
  if (rows_.empty()) {
    last = results();
    for (const Hypothesis& hypothesis : last) outputs.emplace_back(hypothesis.ids);
  } else {
    for (const BeamGroup& group : groups_) group.append_outputs(outputs);
  }
  settled_.update(outputs);
}

std::vector<Hypothesis> DiverseBeamSearch::hypotheses(std::size_t group) const {
  std::vector<Hypothesis> hypotheses = groups_.at(group).hypotheses();
  for (Hypothesis& hypothesis : hypotheses) hypothesis.group = static_cast<int>(group);
  return hypotheses;
}

std::vector<Hypothesis> DiverseBeamSearch::results() const {
  std::vector<Hypothesis> all;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    std::vector<Hypothesis> hypotheses = this->hypotheses(group);
    all.insert(all.end(), std::move_iterator(hypotheses.begin()),
               std::move_iterator(hypotheses.end()));
  }
  return rank(options_, std::move(all));
}

std::vector<Hypothesis> DiverseBeamSearch::group_results(std::size_t group) const {
  return rank(options_, hypotheses(group));
}

}  // namespace tandem
