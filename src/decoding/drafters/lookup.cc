#include "decoding/drafters/lookup.h"

#include <algorithm>

namespace tandem {
namespace {

constexpr std::size_t kLongestSuffix = 3;

// What follows the first occurrence of `suffix` in `text`, if anything does.
std::span<const TokenId> after(std::span<const TokenId> text, std::span<const TokenId> suffix) {
  const auto found = std::search(text.begin(), text.end(), suffix.begin(), suffix.end());
  if (found == text.end()) return {};
  return text.subspan(static_cast<std::size_t>(found - text.begin()) + suffix.size());
}

}  // namespace

std::vector<TokenId> LookupDrafter::propose(std::span<const TokenId> output, int limit) {
  for (std::size_t n = std::min(kLongestSuffix, output.size()); n > 0; --n) {
    const auto suffix = output.last(n);
    auto draft = after(source_, suffix);
    if (draft.empty()) draft = after(output, suffix);
    if (draft.empty()) continue;
    draft = draft.first(std::min(draft.size(), static_cast<std::size_t>(limit)));
    return {draft.begin(), draft.end()};
  }
  return {};
}

}  // namespace tandem
