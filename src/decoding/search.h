// The contract of every decoding strategy: a search works on one sentence and sees candidates,
// never tensors. The batch exists only in loop.h. One file a strategy implements this class.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <tandem/options.h>
#include <tandem/output.h>

#include "base/candidate.h"

namespace tandem {

// One line of the next decoder batch.
struct Row {
  int parent = -1;  // row of this sentence in the previous step whose cache it continues; -1: none
  int keep = 0;     // cached positions that stay valid; smaller than before = roll back
  std::vector<TokenId> feed;  // 1 token, or several: a prefix, a draft to verify
  // queries[i] asks what follows feed[i]; the same length as `feed`. top_k 0: nothing is asked,
  // and no output projection is computed for that position.
  std::vector<CandidateQuery> queries;
  // What is wanted of each fed token besides; see Candidates.
  bool wants_hidden = false;
  bool wants_attention = false;
};

// The answers to all queries of one sentence in one step. Owned by the loop and reused.
class Candidates {
 public:
  void clear() {
    offsets_.assign(1, 0);
    first_of_row_.assign(1, 0);
    values_.clear();
    hidden_.clear();
    attention_.clear();
  }
  // Answers are appended row by row, fed token by fed token, best first.
  void append(std::span<const Candidate> answer) {
    values_.insert(values_.end(), answer.begin(), answer.end());
    offsets_.push_back(values_.size());
  }
  // Of the fed token that is appended next.
  void set_hidden(std::vector<float> state) { set(std::move(state), hidden_); }
  void set_attention(std::vector<float> weights) { set(std::move(weights), attention_); }
  void end_row() { first_of_row_.push_back(offsets_.size() - 1); }

  // Lets `change(row, fed, answer)` change the answer, a vector of candidates, after each fed token.
  template <typename Change>
  void rewrite(const Change& change) {
    std::vector<std::size_t> offsets{0};
    std::vector<Candidate> values, answer;
    for (std::size_t row = 0; row + 1 < first_of_row_.size(); ++row) {
      for (std::size_t fed = 0; first_of_row_[row] + fed < first_of_row_[row + 1]; ++fed) {
        const std::span<const Candidate> found = after(row, fed);
        answer.assign(found.begin(), found.end());
        change(row, fed, answer);
        values.insert(values.end(), answer.begin(), answer.end());
        offsets.push_back(values.size());
      }
    }
    offsets_ = std::move(offsets);
    values_ = std::move(values);
  }

  // What may follow token `fed` of row `row`, best first; may be shorter than top_k, or empty
  // when everything is forbidden. Valid until the next step.
  std::span<const Candidate> after(std::size_t row, std::size_t fed) const {
    const std::size_t index = first_of_row_[row] + fed;
    return {values_.data() + offsets_[index], offsets_[index + 1] - offsets_[index]};
  }
  // The same after the whole row.
  std::span<const Candidate> after(std::size_t row) const {
    return after(row, first_of_row_[row + 1] - first_of_row_[row] - 1);
  }
  // Of a row that wants it: the decoder's last state, from which the scores come.
  std::span<const float> hidden(std::size_t row, std::size_t fed) const {
    return hidden_[first_of_row_[row] + fed];
  }
  // Of a row that wants it: the weight of each source token in the decoder's cross-attention while
  // what follows was predicted; they sum to 1.
  std::span<const float> attention(std::size_t row, std::size_t fed) const {
    return attention_[first_of_row_[row] + fed];
  }

 private:
  // Both are empty where nothing was wanted, which is nearly always.
  void set(std::vector<float> numbers, std::vector<std::vector<float>>& all) const {
    all.resize(offsets_.size());
    all.back() = std::move(numbers);
  }

  std::vector<std::size_t> offsets_{0};
  std::vector<std::size_t> first_of_row_{0};
  std::vector<Candidate> values_;
  std::vector<std::vector<float>> hidden_, attention_;  // by fed token
};

// One strategy at work on one sentence.
class Search {
 public:
  virtual ~Search() = default;

  // Called before rows() is read for a step that `sentences` sentences share: for searches that
  // choose how many rows they bring. Never changes an answer.
  virtual void prepare(int sentences) { static_cast<void>(sentences); }

  // The rows of the next step; empty = finished. Valid until the next prepare or advance.
  virtual std::span<const Row> rows() const = 0;

  // Takes the answers to the queries of rows().
  virtual void advance(const Candidates& candidates) = 0;

  // The hypotheses, best first, `text` not yet filled. May be called at any time: before the end it
  // gives the best so far, as if the length limit had been reached.
  virtual std::vector<Hypothesis> results() const = 0;

  // Tokens that every possible result starts with, for streaming: final, never taken back.
  virtual std::span<const TokenId> settled() const = 0;

  // Output::log_evidence, of a search that estimates it.
  virtual std::optional<double> log_evidence() const { return std::nullopt; }

  // draft_tokens and accepted_tokens; the loop counts the passes.
  virtual Stats stats() const { return {}; }
};

}  // namespace tandem
