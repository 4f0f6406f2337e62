// Phrases: every phrase, in one of its alternatives, occurs in the output.
//
// What it does:   lets the search write as it likes while there is room, notes what occurs,
//                 refuses the end before everything has occurred, and forces what is missing at
//                 the last moment at which it still fits.
// Cost:           O(number and length of the alternatives) a step.
// Differs:        from Post & Vilar 2018 (arXiv 1804.06609) and Hokamp & Liu 2017 (arXiv
//                 1704.07138), who bring phrases forward by keeping beams for them. Here the
//                 promise holds in every strategy, greedy and drafted alike, and late phrases
//                 stand near the end.
// Laws:           every output holds all phrases (tests/decoding/constraint_test.cc).
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/error.h>

namespace tandem {
namespace {

using Alternatives = std::vector<std::vector<TokenId>>;  // the shortest first

class Phrases : public Constraint {
 public:
  Phrases(std::shared_ptr<const std::vector<Alternatives>> phrases, std::size_t max_tokens)
      : phrases_(std::move(phrases)), max_tokens_(max_tokens) {
    for (std::size_t i = 0; i < phrases_->size(); ++i) missing_.push_back(i);
    force_if_due();
  }

  TokenMask allowed() const override {
    return forced_.empty() ? TokenMask() : TokenMask::only({forced_.front()});
  }
  bool can_end() const override { return missing_.empty(); }
  std::vector<TokenId> forced_run() const override { return forced_; }
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<Phrases>(*this); }

  void advance(TokenId token) override {
    output_.push_back(token);
    if (!forced_.empty()) forced_.erase(forced_.begin());
    std::erase_if(missing_, [&](std::size_t phrase) { return just_occurred((*phrases_)[phrase]); });
    if (forced_.empty()) force_if_due();
  }

 private:
  bool just_occurred(const Alternatives& alternatives) const {
    return std::any_of(alternatives.begin(), alternatives.end(), [&](const auto& phrase) {
      return phrase.size() <= output_.size() &&
             std::equal(phrase.rbegin(), phrase.rend(), output_.rbegin());
    });
  }

  // Forces a missing phrase if one free token more would leave too little room for all of them.
  void force_if_due() {
    std::size_t needed = 0;
    for (const std::size_t phrase : missing_) needed += (*phrases_)[phrase].front().size();
    if (needed > 0 && output_.size() + needed >= max_tokens_)
      forced_ = (*phrases_)[missing_.front()].front();
  }

  std::shared_ptr<const std::vector<Alternatives>> phrases_;
  std::size_t max_tokens_;
  std::vector<std::size_t> missing_;  // indices of phrases
  std::vector<TokenId> forced_;       // must come next, in this order
  std::vector<TokenId> output_;
};

}  // namespace

std::shared_ptr<const Constraint> make_phrases_constraint(
    std::vector<std::vector<std::vector<TokenId>>> phrases, int max_tokens) {
  std::size_t needed = 0;
  for (Alternatives& alternatives : phrases) {
    const bool has_empty = std::any_of(alternatives.begin(), alternatives.end(),
                                       [](const auto& phrase) { return phrase.empty(); });
    if (alternatives.empty() || has_empty)
      throw Error(ErrorCode::invalid_argument,
                  "a phrase that must occur is empty, expected alternatives of token ids");
    std::stable_sort(alternatives.begin(), alternatives.end(),
                     [](const auto& a, const auto& b) { return a.size() < b.size(); });
    needed += alternatives.front().size();
  }
  const auto room = static_cast<std::size_t>(std::max(max_tokens, 0));
  if (needed > room)
    throw Error(ErrorCode::unsatisfiable,
                "the phrases that must occur need " + std::to_string(needed) + " tokens, and " +
                    std::to_string(room) + " are allowed",
                "raise the length limit");
  return std::make_shared<Phrases>(
      std::make_shared<const std::vector<Alternatives>>(std::move(phrases)), room);
}

}  // namespace tandem
