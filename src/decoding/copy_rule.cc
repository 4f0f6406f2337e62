#include "decoding/copy_rule.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <tandem/error.h>

#include "base/check.h"
#include "decoding/user_callback.h"

namespace tandem {

double CopyRule::gate(std::size_t row, std::size_t fed) const {
  if (!copy_.gate) return copy_.generate;
  const double share = call_user("decides between copying and generating",
                                 [&] { return copy_.gate(source_, histories_.output(row, fed)); });
  if (!(share >= 0 && share <= 1))
    throw Error(ErrorCode::invalid_argument,
                "the callback that decides between copying and generating gave " +
                    std::to_string(share) + ", expected a number from 0 to 1");
  return share;
}

void CopyRule::mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
                   std::vector<Candidate>& mixed) {
  const std::span<const float> attention = parts.front()->attention(row, fed);
  TANDEM_CHECK(attention.size() == source_.size());
  const double share = gate(row, fed);
  std::map<TokenId, double> copied;
  if (share < 1)
    for (std::size_t i = 0; i < source_.size(); ++i)
      copied[source_[i]] += (1 - share) * static_cast<double>(attention[i]);

  const double log_share = std::log(share);
  auto next = copied.begin();
  for (Candidate& candidate : mixed) {  // ascending, as `copied`
    while (next != copied.end() && next->first < candidate.token) ++next;
    const double generated = candidate.log_prob + log_share;
    const bool is_copied = next != copied.end() && next->first == candidate.token;
    candidate.log_prob =
        static_cast<float>(is_copied ? std::log(std::exp(generated) + next->second) : generated);
  }
}

}  // namespace tandem
