// Masks and forced runs from what a constraint knows as lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// Only `tokens`, which may repeat: a short list as it is, a long one as bits, where a look-up is
// one load and no sorting is needed.
inline TokenMask mask_of(std::vector<TokenId> tokens) {
  constexpr std::size_t kLongestList = 64;
  if (tokens.size() <= kLongestList) return TokenMask::only(std::move(tokens));
  auto words = std::make_shared<std::vector<std::uint64_t>>();
  for (const TokenId token : tokens) {
    const auto word = static_cast<std::size_t>(token) / 64;
    if (word >= words->size()) words->resize(word + 1);
    (*words)[word] |= std::uint64_t{1} << (token % 64);
  }
  return TokenMask::bits(std::move(words));
}

// The tokens that are each the only one allowed, one after another, up to where the output may end
// or there is a choice. `at` is used up.
inline std::vector<TokenId> follow_only_tokens(Constraint& at) {
  constexpr std::size_t kLongestRun = 64;
  std::vector<TokenId> run;
  while (!at.can_end() && run.size() < kLongestRun) {
    const TokenMask mask = at.allowed();
    if (mask.list() == nullptr || mask.list()->size() != 1) break;
    run.push_back(mask.list()->front());
    at.advance(run.back());
  }
  return run;
}

}  // namespace tandem
