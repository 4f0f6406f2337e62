#include "decoding/alternatives.h"

#include <cmath>
#include <utility>
#include <variant>

namespace tandem {
namespace {

bool is_beam(const SearchOptions& options) {
  return std::holds_alternative<Beam>(options.strategy);
}

// In which numbers the strategy ranks its first token.
ScoreSpace space_of(const SearchOptions& options) {
  const bool by_log_probs = options.profile == Profile::marian ||
                            (options.profile == Profile::huggingface && is_beam(options));
  return by_log_probs ? ScoreSpace::log_probs : ScoreSpace::logits;
}

// What the strategy sums over the tokens of an output.
float ranking_score(const SearchOptions& options, const Candidate& candidate) {
  const bool processed = is_beam(options) || options.profile == Profile::ctranslate2;
  return processed ? candidate.score : candidate.log_prob;
}

}  // namespace

Alternatives::Alternatives(SearchOptions options, MakeSearch make_search)
    : options_(std::move(options)),
      make_search_(std::move(make_search)),
      chain_(options_, space_of(options_), options_.num_return_sequences) {
  const auto [path, valid] = Path::start(options_);
  if (valid) rows_.push_back(opening_row(options_, chain_.query(path)));
}

void Alternatives::prepare(int sentences) {
  if (branches_.empty()) return;
  for (const Branch& branch : branches_)
    if (branch.search) branch.search->prepare(sentences);
  collect_rows();
}

void Alternatives::advance(const Candidates& candidates) {
  if (branches_.empty()) {
    branch(candidates);
  } else {
    for (Branch& branch : branches_)
      if (branch.search && !branch.search->rows().empty()) advance_branch(branch, candidates);
  }
  for (Branch& branch : branches_) branch.first_parent = branch.first_row;
  collect_rows();
  if (rows_.empty()) return settled_.update(results());
  const std::span<const TokenId> prefix(options_.prefix);
  if (!options_.constraint) settled_.update(std::span(&prefix, 1));
}

void Alternatives::branch(const Candidates& candidates) {
  for (std::size_t i = 0; i < options_.prefix.size(); ++i)
    prefix_.push_back({options_.prefix[i], log_prob_answer(candidates.after(0, i)), 0});
  const double least = std::log(options_.min_first_probability);
  for (const Candidate& candidate : candidates.after(0)) {
    if (!branches_.empty() && candidate.log_prob < least) continue;
    branches_.push_back(
        make_branch({candidate.token, candidate.log_prob, ranking_score(options_, candidate)}));
  }
}

Alternatives::Branch Alternatives::make_branch(const Candidate& first) const {
  SearchOptions options = options_;
  options.alternatives = false;
  options.num_return_sequences = 1;
  options.first = first;
  Path path = Path::start(options).path;
  for (const Candidate& token : prefix_) path.log_probs.push_back(token.log_prob);
  path.log_probs.push_back(first.log_prob);
  const bool has_ended = path.ended(options);
  const double score = final_score(options, path.score, path.generated(options));
  Branch branch;
  branch.first = first;
  branch.begun = report(options, path, score, has_ended ? FinishReason::eos : FinishReason::length);
  if (!has_ended && options.max_new_tokens > 1) branch.search = make_search_(std::move(options));
  return branch;
}

// A search of its own starts with the prefix and its first token; here the prefix is in the cache,
// and the answers to it are known.
void Alternatives::advance_branch(Branch& branch, const Candidates& candidates) const {
  Candidates answers;
  answers.clear();
  auto row = static_cast<std::size_t>(branch.first_row);
  for (const Row& asked : branch.search->rows()) {
    std::size_t known = 0;
    if (asked.parent < 0) {
      for (const Candidate& token : prefix_) answers.append(std::span(&token, 1));
      answers.append(std::span(&branch.first, 1));
      known = prefix_.size() + 1;
    }
    for (std::size_t fed = 0; fed + known < asked.feed.size(); ++fed)
      answers.append(candidates.after(row, fed));
    answers.end_row();
    ++row;
  }
  branch.search->advance(answers);
  branch.has_answers = true;
}

void Alternatives::collect_rows() {
  rows_.clear();
  for (Branch& branch : branches_) {
    branch.first_row = static_cast<int>(rows_.size());
    if (!branch.search) continue;
    for (const Row& row : branch.search->rows()) {
      rows_.push_back(row.parent < 0 ? without_prefix(row) : row);
      if (row.parent >= 0) rows_.back().parent += branch.first_parent;
    }
  }
}

Row Alternatives::without_prefix(Row row) const {
  const auto known = static_cast<std::ptrdiff_t>(1 + options_.prefix.size());
  row.parent = 0;
  row.keep = static_cast<int>(known);
  row.feed.erase(row.feed.begin(), row.feed.begin() + known);
  row.queries.erase(row.queries.begin(), row.queries.begin() + known);
  return row;
}

std::vector<Hypothesis> Alternatives::results() const {
  std::vector<Hypothesis> hypotheses;
  for (const Branch& branch : branches_) {
    Hypothesis best = branch.has_answers ? branch.search->results().front() : branch.begun;
    if (best.finish_reason != FinishReason::constraint_unsatisfied)
      hypotheses.push_back(std::move(best));
  }
  if (hypotheses.empty()) hypotheses.push_back(report_unsatisfied());
  return hypotheses;
}

Stats Alternatives::stats() const {
  Stats sum;
  for (const Branch& branch : branches_) {
    if (!branch.search) continue;
    const Stats stats = branch.search->stats();
    sum.draft_tokens += stats.draft_tokens;
    sum.accepted_tokens += stats.accepted_tokens;
  }
  return sum;
}

}  // namespace tandem
