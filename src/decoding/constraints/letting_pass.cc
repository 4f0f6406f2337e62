#include "decoding/constraints/letting_pass.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tandem {
namespace {

TokenMask with_token(const TokenMask& mask, TokenId token) {
  if (mask.allows(token)) return mask;
  if (const std::vector<TokenId>* list = mask.list()) {
    std::vector<TokenId> tokens = *list;
    tokens.push_back(token);
    return TokenMask::only(std::move(tokens));
  }
  auto words = std::make_shared<std::vector<std::uint64_t>>(*mask.words());
  const auto word = static_cast<std::size_t>(token) / 64;
  words->resize(std::max(words->size(), word + 1));
  (*words)[word] |= std::uint64_t{1} << (token % 64);
  return TokenMask::bits(std::move(words));
}

// What the inner constraint is certain of is not: the token may come before it.
class LettingPass : public Constraint {
 public:
  LettingPass(TokenId token, std::unique_ptr<Constraint> inner)
      : token_(token), inner_(std::move(inner)) {}

  TokenMask allowed() const override { return with_token(inner_->allowed(), token_); }
  void advance(TokenId token) override {
    if (token != token_) inner_->advance(token);
  }
  void begin_after(TokenId token) override { inner_->begin_after(token); }
  bool can_end() const override { return inner_->can_end(); }
  std::unique_ptr<Constraint> clone() const override {
    return std::make_unique<LettingPass>(token_, inner_->clone());
  }

 private:
  TokenId token_;
  std::unique_ptr<Constraint> inner_;
};

}  // namespace

std::shared_ptr<const Constraint> let_pass(TokenId token, std::shared_ptr<const Constraint> inner) {
  if (inner == nullptr) return nullptr;
  return std::make_shared<LettingPass>(token, inner->clone());
}

}  // namespace tandem
