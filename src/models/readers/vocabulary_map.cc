#include "models/readers/vocabulary_map.h"

#include <algorithm>
#include <utility>

#include <tandem/error.h>

namespace tandem {
namespace {

// The parts of `text` between single spaces; none of an empty text.
std::vector<std::string_view> split_at_spaces(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

VocabularyMap VocabularyMap::parse(const FileBytes& file, const Tokens& tokens) {
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  VocabularyMap map;
  map.always_ = tokens.always;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || line.find('\t', tab + 1) != std::string_view::npos)
      throw Error(ErrorCode::corrupt, file.name() + ": line " + std::to_string(number) +
                                          " has not one tab; expected source tokens, a tab, target "
                                          "tokens");
    Ngram ngram;
    bool is_known = true;
    for (const std::string_view token : split_at_spaces(line.substr(0, tab))) {
      const TokenId id = tokens.source_id(token);
      is_known = is_known && id >= 0;
      ngram.push_back(static_cast<char32_t>(id));
    }
    if (!is_known) continue;
    std::vector<TokenId> targets;
    for (const std::string_view token : split_at_spaces(line.substr(tab + 1)))
      targets.push_back(tokens.target_id(token));
    map.longest_ = std::max(map.longest_, ngram.size());
    map.targets_[std::move(ngram)] = std::move(targets);
  }
  return map;
}

VocabularyMap VocabularyMap::read(const std::string& path, const Limits& limits,
                                  const Tokens& tokens) {
  return parse(FileBytes::read(path, limits.max_tokenizer_bytes, "vocabulary map"), tokens);
}

std::vector<TokenId> VocabularyMap::candidates(std::span<const TokenId> source) const {
  std::vector<TokenId> found = always_;
  const auto add = [&](const Ngram& ngram) {
    const auto entry = targets_.find(ngram);
    if (entry != targets_.end())
      found.insert(found.end(), entry->second.begin(), entry->second.end());
  };
  add({});
  for (std::size_t first = 0; first < source.size(); ++first) {
    Ngram ngram;
    for (std::size_t i = first; i < source.size() && ngram.size() < longest_; ++i) {
      ngram.push_back(static_cast<char32_t>(source[i]));
      add(ngram);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace tandem
