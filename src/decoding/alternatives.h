// Alternatives: outputs that differ in their first token behind the prefix.
//
// What it does:   asks once what may follow the prefix, and lets a search of the request's strategy
//                 go on from each of the best answers, independently of the others.
// When to use:    to offer a writer what could stand at the cursor, each choice with the text that
//                 would come of it.
// Cost:           one pass over the prefix, whose cache all share; then the rows of as many
//                 searches in each pass.
// Source:         OpenNMT/CTranslate2, docs/decoding.md, "Alternatives at a position".
// Rules:          - Hypotheses stand in the order of their first tokens, each the best of its
//                   search; one that meets no end of its constraint is left out.
//                 - An alternative below the least probability, by the model's own softmax, is not
//                   tried, but the best always is.
// Differs:        `score` is that of the whole output by the rules of the profile. CTranslate2 adds
//                 the first token's log-probability to the score of the rest.
// Laws:           each output is that of a request whose prefix ends with the first token; the best
//                 alternative of greedy search is greedy search
//                 (tests/decoding/alternatives_test.cc).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "decoding/path.h"
#include "decoding/processors.h"
#include "decoding/search.h"
#include "decoding/search_options.h"
#include "decoding/settled_prefix.h"

namespace tandem {

class Alternatives : public Search {
 public:
  // Makes the search of one alternative, whose options have a `first` token and return one output.
  using MakeSearch = std::function<std::unique_ptr<Search>(SearchOptions options)>;

  Alternatives(SearchOptions options, MakeSearch make_search);

  void prepare(int sentences) override;
  std::span<const Row> rows() const override { return rows_; }
  void advance(const Candidates& candidates) override;
  std::vector<Hypothesis> results() const override;
  // The prefix, once there are several; nothing before the end under a constraint.
  std::span<const TokenId> settled() const override { return settled_.tokens(); }
  Stats stats() const override;

 private:
  struct Branch {
    Candidate first;
    Hypothesis begun;                // the prefix and the first token
    std::unique_ptr<Search> search;  // null: there is no more to come
    bool has_answers = false;        // the search; before that `begun` is the output so far
    int first_row = 0;               // of its rows in rows_
    int first_parent = 0;            // the same in the step before
  };

  Branch make_branch(const Candidate& first) const;
  void branch(const Candidates& candidates);
  void advance_branch(Branch& branch, const Candidates& candidates) const;
  void collect_rows();
  Row without_prefix(Row row) const;

  const SearchOptions options_;
  const MakeSearch make_search_;
  const ProcessorChain chain_;
  std::vector<Candidate> prefix_;  // what the model said to the prefix
  std::vector<Branch> branches_;   // none before the first answer
  std::vector<Row> rows_;
  SettledPrefix settled_;
};

}  // namespace tandem
