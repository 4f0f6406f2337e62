#include "base/token_list.h"

#include <algorithm>

namespace tandem {

std::optional<TokenListNames> find_token_lists(std::span<const std::string> names) {
  const auto find = [&](const std::string& side) -> std::string {
    for (const char* ending : {"_vocabulary.json", "_vocabulary.txt"})
      if (std::binary_search(names.begin(), names.end(), side + ending)) return side + ending;
    return {};
  };
  if (const std::string shared = find("shared"); !shared.empty())
    return TokenListNames{shared, shared};
  TokenListNames lists{find("source"), find("target")};
  if (lists.source.empty() || lists.target.empty()) return std::nullopt;
  return lists;
}

std::vector<std::string> split_token_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const bool all_returned = std::all_of(
      lines.begin(), lines.end(), [](const std::string& line) { return line.ends_with('\r'); });
  if (all_returned)
    for (std::string& line : lines) line.pop_back();
  return lines;
}

void ensure_unknown_token(std::vector<std::string>& tokens, const std::string& unknown) {
  if (std::find(tokens.begin(), tokens.end(), unknown) == tokens.end()) tokens.push_back(unknown);
}

}  // namespace tandem
