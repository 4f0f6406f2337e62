// Passes that run ahead of a greedy search. Waiting for the answers of a pass costs a GPU much, and
// what a greedy search asks next is known but for the token: so a few more passes run at once, each
// fed in device memory with what the one before has chosen, and their answers are held until the
// search asks for exactly them. What it does not ask for is dropped; no answer depends on it.
//
// When to use: ModelDecoder does, on backends that prefer it.
// Cost: a comparison of questions each step. A row that has ended, and once one whose search
// departs from the greedy choice, runs up to kPassesPerWait - 1 passes for nothing.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "decoding/search.h"

namespace tandem {

// Passes that share a wait. A wait leaves the device idle for the round trip and for as long as the
// host takes to plan a pass; of k passes all but the first are planned while the device works. A
// sentence that ends costs (k - 1) / 2 rows on average, the last one of a batch as many passes.
// With four, three quarters of the waits go for one or two passes in the 25 to 30 of a sentence.
constexpr int kPassesPerWait = 4;

// Of one sentence: whether passes may run ahead for it, and what it holds of those that did.
class RunAhead {
 public:
  // Whether the answers to exactly these rows are held.
  bool answers(std::span<const Row> rows) const;
  // Takes the answer that `answers` spoke of.
  Candidate take();
  int held() const { return static_cast<int>(answers_.size() - next_); }

  // The rows are asked of a pass, so what is held is void; returns how many answers that were, each
  // a position in the cache that the search does not know of.
  int ask(std::span<const Row> rows);
  // Whether passes may run ahead of that one: it asks greedily and nothing says that the search
  // will ask something else next.
  bool may_run() const { return may_run_; }

  // `first` answered the rows of `ask`; what follows was held back, in order.
  void hold(const Candidate& first, std::span<const Candidate> following);

 private:
  // Whether the rows feed what was predicted, whatever they ask.
  bool is_predicted(std::span<const Row> rows) const;

  bool departed_ = false;  // once was enough
  bool may_run_ = false;
  CandidateQuery query_;  // what was asked last
  int keep_ = 0;          // positions before the one that is fed next
  TokenId token_ = -1;    // which that is
  std::vector<Candidate> answers_;
  std::size_t next_ = 0;
};

}  // namespace tandem
