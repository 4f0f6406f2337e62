/// Hard constraints on the output, for every strategy, and the mask type they speak in.
///
/// A constraint is a small automaton over token ids. A search keeps one per hypothesis, asks it
/// what may come next, and tells it what came; `clone` is how hypotheses fork and how a draft is
/// tried without consequences. Implement this class to bring a constraint of your own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <tandem/export.h>

namespace tandem {

/// An index into a model's vocabulary. Negative values are never valid tokens.
using TokenId = std::int32_t;

/// The set of tokens that may follow: any, a sorted list, or a bit set. Cheap to copy (shared).
class TANDEM_EXPORT TokenMask {
 public:
  TokenMask() = default;  ///< anything is allowed

  /// Only these; sorted and made unique here. An empty list allows nothing.
  static TokenMask only(std::vector<TokenId> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    TokenMask mask;
    mask.list_ = std::make_shared<const std::vector<TokenId>>(std::move(ids));
    return mask;
  }
  /// Bit t of word t / 64 says whether token t is allowed; tokens beyond the last word are not.
  static TokenMask bits(std::shared_ptr<const std::vector<std::uint64_t>> words) {
    TokenMask mask;
    mask.words_ = std::move(words);
    return mask;
  }

  bool allows_all() const noexcept { return !list_ && !words_; }
  /// The sorted list, or null when the set is held otherwise.
  const std::vector<TokenId>* list() const noexcept { return list_.get(); }
  /// The bit set, or null when the set is held otherwise.
  const std::vector<std::uint64_t>* words() const noexcept { return words_.get(); }

  bool allows(TokenId token) const noexcept {
    if (token < 0) return false;
    if (list_) return std::binary_search(list_->begin(), list_->end(), token);
    if (!words_) return true;
    const auto word = static_cast<std::size_t>(token) / 64;
    return word < words_->size() && (((*words_)[word] >> (token % 64)) & 1) != 0;
  }

 private:
  std::shared_ptr<const std::vector<TokenId>> list_;
  std::shared_ptr<const std::vector<std::uint64_t>> words_;
};

/// One constraint in one state. Not thread-safe; each hypothesis owns its own.
class TANDEM_EXPORT Constraint {
 public:
  virtual ~Constraint() = default;

  /// What may come next, not counting the end of the sentence: `can_end` speaks for that.
  virtual TokenMask allowed() const = 0;

  /// Tells that `token` came. Called only with tokens that `allowed` allowed, never with the end.
  virtual void advance(TokenId token) = 0;

  /// Tells, before anything else came, that the model forces `token` in front of the text: its mark
  /// of the target language, say (`forced_bos_token_id`). Most constraints speak about the text and
  /// need not know.
  virtual void begin_after(TokenId token) { static_cast<void>(token); }

  /// True if the output may end here.
  virtual bool can_end() const = 0;

  /// An independent copy in the same state.
  virtual std::unique_ptr<Constraint> clone() const = 0;

  /// Tokens that must come next, one after another, if that is already certain; may be empty.
  /// Searches use it to feed several tokens in one pass (jump forward).
  virtual std::vector<TokenId> forced_run() const { return {}; }
};

/// The output, without its end token, is one of `sequences` (a closed set of labels). An empty
/// sequence stands for an empty output. Where the model forces a first token, the sequences include
/// it, as in the prefix functions of transformers: if none begins with it, that token is the whole
/// output. Throws Error{unsatisfiable} if there is no sequence.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_trie_constraint(
    const std::vector<std::vector<TokenId>>& sequences);

/// None of `phrases` occurs in the output. `vocabulary_size` is the model's.
/// Throws Error{invalid_argument} for an empty phrase or a token outside the vocabulary.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_banned_phrases_constraint(
    std::vector<std::vector<TokenId>> phrases, TokenId vocabulary_size);

/// Each of `phrases`, given by its alternatives, occurs in the output: one alternative is enough.
/// What is still missing when just enough of `max_tokens` (output tokens, without the end token)
/// are left is forced there, so that every output of at most that length meets the constraint.
/// Throws Error{invalid_argument} for an empty list of alternatives or an empty alternative, and
/// Error{unsatisfiable} if the phrases do not fit.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_phrases_constraint(
    std::vector<std::vector<std::vector<TokenId>>> phrases, int max_tokens);

/// All of `parts` hold. None of them may be null.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_intersection_constraint(
    std::vector<std::shared_ptr<const Constraint>> parts);

}  // namespace tandem
