// HookDecoder: a decoder whose scores are changed by the caller's LogitsHook, with a state for each
// hypothesis.
//
// When to use:    what no penalty, bias or constraint can say: scores that depend on the whole
//                 output so far, on another model, on anything of the caller's.
// Cost:           nothing for sentences without a hook. With one the whole row of scores comes to
//                 the host for each hypothesis and step, is changed there, and is searched for the
//                 best tokens there; one clone of the hook for each token that is fed.
// Source:         the logits processors of Hugging Face's generate, which see whole batches and
//                 must follow a beam's re-ordering themselves; here the state follows by itself.
// Rules:          the hook comes first: penalties, bans and constraints see changed scores. What is
//                 reported as log-probability stays the model's own.
// Laws:           a hook that changes nothing is no hook, bit for bit (to rounding where scores are
//                 normalised anew); one that adds to tokens is sequence_bias; one that writes
//                 another model's scores gives that model's outputs; the state at each call is that
//                 of the hypothesis replayed from its beginning (tests/decoding/
//                 hook_decoder_test.cc).
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include <tandem/logits_hook.h>

#include "decoding/step_decoder.h"

namespace tandem {

// A copy of the caller's hook. Throws Error{invalid_argument} for what it throws, or for null.
std::unique_ptr<LogitsHook> clone_hook(const LogitsHook& hook);

class HookDecoder : public StepDecoder {
 public:
  // `inner` must outlive this.
  HookDecoder(StepDecoder& inner, TokenId vocabulary_size)
      : inner_(inner), vocabulary_size_(vocabulary_size) {}

  // From now on `hook`, in the state of an empty output and used by nobody else, changes the scores
  // of `sentence` of the inner decoder, which keeps its handle.
  void attach(int sentence, std::shared_ptr<const LogitsHook> hook);

  // Throws Error{invalid_argument} also for what a hook throws or for scores that it makes NaN or
  // +infinity.
  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override;
  void release(int sentence) override;

 private:
  // states[p]: after the tokens of positions 1 to p. Rows share what they have in common.
  using States = std::vector<std::shared_ptr<const LogitsHook>>;
  struct Hooked {
    std::shared_ptr<const LogitsHook> beginning;
    std::vector<States> rows;  // of the last step
  };

  void advance(Hooked& hooked, std::span<const Row> rows) const;
  std::vector<Row> ask_whole_rows(std::span<const Row> rows) const;
  void answer(const Hooked& hooked, std::span<const Row> rows, Candidates& answers);
  void change(const LogitsHook& hook, std::vector<Candidate>& row);

  StepDecoder& inner_;
  const TokenId vocabulary_size_;
  std::unordered_map<int, Hooked> hooked_;

  // Of the current step; kept for their memory.
  std::vector<std::vector<Row>> whole_rows_;
  std::vector<SentenceRows> batch_;
  std::vector<float> scores_;  // [V]
};

}  // namespace tandem
