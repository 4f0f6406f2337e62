// MixtureDecoder: several sentences of a decoder as one, whose next-token probabilities are the
// weighted mean of theirs:
//     p(v | y) = sum over k of w_k p(v | x_k, y)                    in log space, over whole rows
//
// When to use:    one output for several sources: retrieved documents (RAG-Token), paraphrases or
//                 translations of one source. Any search runs on it unchanged.
// Cost:           K rows for each row of the search; the whole row of scores of each comes to the
//                 host and K exponentials are taken for each token of the vocabulary. Where a query
//                 allows a list of tokens only those are.
// Source:         Lewis et al. 2020, arXiv 2005.11401, section 2.1.
// Differs:        nothing is cut off before the mean is taken, so it is exact. Raw logits of a
//                 mixture do not exist: queries in logits are answered in log-probabilities.
// Laws:           one sentence == that sentence, bit for bit; the row sums to 1; a source of weight
//                 0 and the order of the sources change nothing (tests/decoding/
//                 mixture_decoder_test.cc).
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "decoding/step_decoder.h"

namespace tandem {

class MixtureDecoder : public StepDecoder {
 public:
  // `inner` must outlive this. Its handles are not negative and stay valid here.
  MixtureDecoder(StepDecoder& inner, TokenId vocabulary_size)
      : inner_(inner), vocabulary_size_(vocabulary_size) {}

  // From now on `sentences` of the inner decoder, which may generate the same tokens, are one;
  // returns its handle. `log_weights` are the logs of weights that sum to 1.
  int mix(std::vector<int> sentences, std::vector<double> log_weights);

  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override;
  void release(int sentence) override;

 private:
  struct Mixture {
    std::vector<int> sentences;
    std::vector<double> log_weights;
  };

  void answer(const Mixture& mixture, std::span<const Row> rows, std::span<const Candidates> parts,
              Candidates& answers);

  StepDecoder& inner_;
  const TokenId vocabulary_size_;
  std::unordered_map<int, Mixture> mixtures_;
  int next_handle_ = -1;  // descending

  // Of the current step; kept for their memory.
  std::vector<std::vector<Row>> whole_rows_;  // for each mixture in the step
  std::vector<SentenceRows> batch_;
  std::vector<Candidates> inner_answers_;
  std::vector<Candidate> mixed_;
};

}  // namespace tandem
