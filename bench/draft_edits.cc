#include "bench/draft_edits.h"

#include <algorithm>
#include <cstddef>
#include <random>

namespace tandem::bench {

int EditScript::count() const {
  int runs = 0;
  bool after_edit = false;
  for (std::size_t i = 0; i < deleted_before.size(); ++i) {
    const bool is_end = i == copied.size();
    const bool begins = deleted_before[i] > 0 || (!is_end && !copied[i]);
    if (begins && !after_edit) ++runs;
    after_edit = !is_end && !copied[i];
  }
  return runs;
}

EditScript edits_between(std::span<const TokenId> source, std::span<const TokenId> output) {
  const std::size_t n = source.size(), m = output.size(), width = m + 1;
  std::vector<int> common((n + 1) * width, 0);  // of the rests from i and j on
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      common[i * width + j] =
          source[i] == output[j] ? common[(i + 1) * width + j + 1] + 1
                                 : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);

  EditScript script;
  script.deleted_before.push_back(0);
  for (std::size_t i = 0, j = 0; i < n || j < m;) {
    const bool same = i < n && j < m && source[i] == output[j];
    const bool deletes =
        !same && i < n && (j == m || common[(i + 1) * width + j] >= common[i * width + j + 1]);
    if (deletes) {
      ++script.deleted_before.back();
      ++i;
      continue;
    }
    script.copied.push_back(same);
    script.deleted_before.push_back(0);
    ++j;
    if (same) ++i;
  }
  return script;
}

std::vector<TokenId> undo(const EditScript& edits, std::span<const TokenId> output,
                          TokenId vocabulary, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<TokenId> any(2, vocabulary / 2 - 1);
  std::vector<TokenId> source;
  for (std::size_t i = 0; i < edits.deleted_before.size() && i <= output.size(); ++i) {
    for (int k = 0; k < edits.deleted_before[i]; ++k) source.push_back(any(random));
    if (i < edits.copied.size() && i < output.size() && edits.copied[i])
      source.push_back(output[i]);
  }
  return source;
}

}  // namespace tandem::bench
