// MixtureDecoder: sentences of one or several decoders as one, whose next-token probabilities a
// RowRule makes of theirs. Any search runs on it unchanged.
//
// When to use:    one output for several sources, retrieved documents or translations of one text
//                 (weighted_mean.h); one output of several models (also geometric_mean.h); a model
//                 that may copy (copy_rule.h) or edits its source by actions (action_rule.h).
// Cost:           K rows for each row of the search; the whole row of scores of each comes to the
//                 host, and what the rule takes for each token of the vocabulary. Where a query
//                 allows a list of tokens only those are looked at, if the rule can do with them.
// Rules:          nothing is cut off before the rows are mixed, so the result is exact. Raw logits
//                 of a mixture do not exist: queries in logits are answered in log-probabilities.
// Laws:           one sentence == that sentence, bit for bit; the row sums to 1; a source of weight
//                 0 and the order of the sources change nothing (tests/decoding/
//                 mixture_decoder_test.cc).
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "decoding/row_rule.h"
#include "decoding/step_decoder.h"

namespace tandem {

class MixtureDecoder : public StepDecoder {
 public:
  // `inner` must outlive this. Its handles are not negative and stay valid here.
  MixtureDecoder(StepDecoder& inner, TokenId vocabulary_size)
      : inner_(inner), vocabulary_size_(vocabulary_size) {}

  // One sentence of a decoder over the same vocabulary, which outlives its use here. Decoders other
  // than the inner one serve nobody else while a step runs.
  struct Part {
    StepDecoder* decoder = nullptr;
    int sentence = 0;
  };

  // From now on `parts`, which may generate the same tokens, are one sentence; returns its handle.
  int mix(std::vector<Part> parts, std::unique_ptr<RowRule> rule);
  // The weighted mean of `sentences` of the inner decoder. `log_weights` are the logs of weights
  // above 0 that sum to 1.
  int mix(const std::vector<int>& sentences, std::vector<double> log_weights);

  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override;
  void release(int sentence) override;

 private:
  struct Mixture {
    std::vector<Part> parts;
    std::unique_ptr<RowRule> rule;
  };
  // What one decoder is asked in this step.
  struct Pass {
    StepDecoder* decoder = nullptr;
    std::vector<SentenceRows> batch;
    std::vector<Candidates> answers;
    std::size_t next = 0;  // answer to be handed out
  };

  Mixture* find(int sentence);
  Pass& pass_of(StepDecoder* decoder);
  void plan(std::span<const SentenceRows> sentences);
  std::vector<Row> ask_whole_rows(std::span<const Row> rows, const RowRule& rule) const;
  void answer(Mixture& mixture, std::span<const Row> rows, Candidates& answers);

  StepDecoder& inner_;
  const TokenId vocabulary_size_;
  std::unordered_map<int, Mixture> mixtures_;
  int next_handle_ = -1;  // descending

  // Of the current step; kept for their memory.
  std::vector<std::vector<Row>> whole_rows_;  // for each mixture in the step
  std::vector<Pass> passes_;                  // one for each decoder that was ever met
  std::vector<const Candidates*> parts_;
  std::vector<Candidate> mixed_;
};

}  // namespace tandem
