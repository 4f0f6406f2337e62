#include "decoding/extension.h"

#include <algorithm>

namespace tandem {

void append_extensions(const Path& path, int parent, std::span<const Candidate> candidates,
                       std::vector<Extension>& extensions) {
  for (const Candidate& candidate : candidates)
    extensions.push_back({parent, path.score + static_cast<double>(candidate.score), candidate, 0});
}

void keep_best(std::size_t count, std::vector<Extension>& extensions) {
  const auto better = [](const Extension& a, const Extension& b) {
    const double score_a = a.score + a.bonus, score_b = b.score + b.bonus;
    if (score_a != score_b) return score_a > score_b;
    if (a.parent != b.parent) return a.parent < b.parent;
    return a.candidate.token < b.candidate.token;
  };
  const auto kept = std::min(extensions.size(), count);
  const auto end = extensions.begin() + static_cast<std::ptrdiff_t>(kept);
  std::partial_sort(extensions.begin(), end, extensions.end(), better);
  extensions.erase(end, extensions.end());
}

Path extend(const SearchOptions& options, const Path& parent, const Extension& extension) {
  Path path = parent.fork();
  path.append(options, extension.candidate.token);
  path.log_probs.push_back(extension.candidate.log_prob);
  path.score = extension.score;
  path.bonus = extension.bonus;
  return path;
}

}  // namespace tandem
