#include "text/language_codes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace tandem {
namespace {

constexpr std::size_t kLongestCode = 32;
constexpr std::size_t kMostSuggestions = 5;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > kLongestCode || b.size() > kLongestCode) return kLongestCode;
  std::array<std::size_t, kLongestCode + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string language_hint(std::string_view unknown, std::span<const std::string> known) {
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const std::string& code : known) ranked.emplace_back(edit_distance(unknown, code), code);
  const std::size_t count = std::min(ranked.size(), kMostSuggestions);
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end());
  std::string hint = ranked.size() > count
                         ? "the nearest of " + std::to_string(ranked.size()) + " languages are "
                         : "the languages are ";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) hint += ", ";
    hint += ranked[i].second;
  }
  return hint;
}

}  // namespace tandem
