#include <algorithm>

#include <tandem/alignment.h>
#include <tandem/error.h>

namespace tandem {

std::vector<AlignmentLink> hard_alignment(std::span<const std::vector<float>> weights,
                                          double threshold) {
  if (!(threshold >= 0 && threshold <= 1))
    throw Error(ErrorCode::invalid_argument, "alignment: the threshold is " +
                                                 std::to_string(threshold) +
                                                 "; expected a number from 0 to 1");
  std::vector<AlignmentLink> links;
  for (std::size_t target = 0; target < weights.size(); ++target) {
    const std::vector<float>& row = weights[target];
    if (row.empty()) continue;
    if (threshold == 1) {
      const auto heaviest = std::max_element(row.begin(), row.end());
      links.push_back({static_cast<std::size_t>(heaviest - row.begin()), target});
      continue;
    }
    for (std::size_t source = 0; source < row.size(); ++source)
      if (row[source] > threshold) links.push_back({source, target});
  }
  std::sort(links.begin(), links.end(), [](const AlignmentLink& a, const AlignmentLink& b) {
    return a.source != b.source ? a.source < b.source : a.target < b.target;
  });
  return links;
}

std::string to_pharaoh(std::span<const AlignmentLink> links) {
  std::string text;
  for (const AlignmentLink& link : links) {
    if (!text.empty()) text += ' ';
    text += std::to_string(link.source) + '-' + std::to_string(link.target);
  }
  return text;
}

}  // namespace tandem
