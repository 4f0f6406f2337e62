/// LogitsHook: code of the caller's that changes the scores of the next token, with a state of its
/// own for each hypothesis.
///
///     struct NeverTwice : tandem::LogitsHook {
///       std::vector<tandem::TokenId> seen;
///       std::unique_ptr<tandem::LogitsHook> clone() const override { return std::make_unique<NeverTwice>(*this); }
///       void advance(tandem::TokenId token) override { seen.push_back(token); }
///       void change(std::span<float> scores) const override {
///         for (const tandem::TokenId token : seen) scores[token] = -std::numeric_limits<float>::infinity();
///       }
///     };
#pragma once

#include <memory>
#include <span>

#include <tandem/constraint.h>
#include <tandem/export.h>

namespace tandem {

/// One hook in one state. Not thread-safe; each hypothesis owns its own. What the methods throw is
/// the request's error.
class TANDEM_EXPORT LogitsHook {
 public:
  virtual ~LogitsHook() = default;

  /// An independent copy in the same state. Called once for each token of each hypothesis, also for
  /// drafted tokens that are not accepted in the end.
  virtual std::unique_ptr<LogitsHook> clone() const = 0;

  /// Tells that the output of this hypothesis, a prefix included, goes on with `token`.
  virtual void advance(TokenId token) = 0;

  /// Changes the scores of what may come next, in place; scores[v] belongs to token v. They are
  /// logits where Hugging Face's processors see logits (greedy search and sampling of its profile)
  /// and natural log-probabilities elsewhere, before penalties, bans and constraints. -infinity
  /// forbids a token; one that has it (outside a shortlist) stays forbidden. NaN and +infinity are
  /// errors. May be called several times, or never, in one state.
  virtual void change(std::span<float> scores) const = 0;
};

}  // namespace tandem
