// SettledPrefix: the longest common beginning of all outputs that a search still holds, for
// streaming. It never shrinks, because every output of a step continues one of the step before.
#pragma once

#include <span>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/output.h>

namespace tandem {

class SettledPrefix {
 public:
  // Cost: one comparison for each output and newly settled token.
  void update(std::span<const std::span<const TokenId>> outputs);
  void update(const std::vector<Hypothesis>& outputs);
  std::span<const TokenId> tokens() const { return tokens_; }

 private:
  std::vector<TokenId> tokens_;
};

}  // namespace tandem
