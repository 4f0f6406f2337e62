// What a search may ask of one row of scores, and what it gets back. Shared by src/decoding, which
// writes the questions, and by kernels/, which answers them on the device; neither knows the other.
#pragma once

#include <cstdint>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// A change of one token's score. Edits of a row are applied in order, before the top k are taken.
// The formulas are those of Hugging Face's logits processors (reference: transformers, generation/
// logits_process.py), so that a chain of processors is a list of edits.
struct ScoreEdit {
  enum class Kind : std::uint8_t {
    ban,               // s = -inf
    penalize,          // s = s < 0 ? s * value : s / value             (repetition penalty)
    add,               // s = s + value                                 (sequence bias, diversity)
    add_relative,      // s = s + |s| * value                           (exponential length decay)
    force              // every score = -inf, then this token's s = 0   (forced first, last token)
  };
  Kind kind = Kind::ban;
  TokenId token = 0;
  float value = 0;
};

// In which numbers edits work: raw logits (Hugging Face's greedy search and sampling) or
// log-probabilities (its beam searches).
enum class ScoreSpace : std::uint8_t { logits, log_probs };

// Everything that is asked of one fed token's row of scores [V].
//   1. base scores: logits or log-softmax of them, as `space` says
//   2. `mask`: what is not allowed becomes -inf (no renormalisation)
//   3. `edits`, in order
//   4. if `renormalize`: log-softmax of the result
//   5. the `top_k` best; ties go to the lower token id; tokens at -inf are never returned
// With `ranked` false nothing is sorted: the answer is every token that the mask allows, those at
// -inf included, in ascending order. `top_k` is then at least their number, and there are neither
// edits nor renormalisation.
struct CandidateQuery {
  int top_k = 1;
  ScoreSpace space = ScoreSpace::log_probs;
  bool renormalize = false;
  bool ranked = true;
  TokenMask mask;
  std::vector<ScoreEdit> edits;
};

// One proposal for the next token.
struct Candidate {
  TokenId token = -1;
  float log_prob = 0;  // natural log of the model's own softmax, before any mask or edit
  float score = 0;     // the number that ranked it, after steps 1 to 4
  float hook_change = 0;  // what a LogitsHook has added to the base score; kernels leave it alone
};

}  // namespace tandem
