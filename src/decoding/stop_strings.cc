#include "decoding/stop_strings.h"

#include <algorithm>
#include <string>

#include <tandem/tokenizer.h>

namespace tandem {

StopStrings::StopStrings(const SearchOptions& options) : options_(options) {
  if (!options.stop_strings.empty() && !options.prefix.empty())
    prefix_bytes_ = options.tokenizer->decode(options.prefix).size();
}

bool StopStrings::completed(std::span<const TokenId> ids) const {
  if (options_.stop_strings.empty()) return false;
  const std::string text = options_.tokenizer->decode(ids);
  return std::any_of(
      options_.stop_strings.begin(), options_.stop_strings.end(), [&](const std::string& stop) {
        const std::size_t first = prefix_bytes_ + 1 - std::min(prefix_bytes_ + 1, stop.size());
        return text.find(stop, first) != std::string::npos;
      });
}

}  // namespace tandem
