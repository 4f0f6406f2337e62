#include "text/added_tokens.h"

#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/character_class.h"

namespace tandem {
namespace {

// Longer ones would make the search slow on texts that nearly match everywhere. The longest in use
// have about 40 bytes.
constexpr std::size_t kLongestToken = 1024;

bool is_not_blank(char32_t c) noexcept {
  return c != U' ';
}

}  // namespace

const AddedTokenRules kLibraryRules{unicode::is_white_space, unicode::is_word};
const AddedTokenRules kPythonRules{is_space, is_not_blank};

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const AddedTokenRules& rules)
    : tokens_(std::move(tokens)), rules_(rules) {
  std::vector<ByteTrie::Entry> entries;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& content = tokens_[i].content;
    if (content.empty()) continue;
    if (content.size() > kLongestToken)
      throw Error(ErrorCode::resource_exhausted,
                  "added token " + quote(content) + " has " + std::to_string(content.size()) +
                      " bytes; at most " + std::to_string(kLongestToken) + " are allowed");
    entries.push_back({content, static_cast<std::int32_t>(i)});
    starts_[static_cast<unsigned char>(content[0])] = true;
  }
  trie_ = ByteTrie(std::move(entries));
}

bool AddedTokens::joins_a_word(std::string_view text, std::size_t begin,
                               std::size_t end) const noexcept {
  return (begin > 0 && rules_.continues_word(unicode::last_char(text.substr(0, begin)))) ||
         (end < text.size() && rules_.continues_word(first_char(text.substr(end)).code_point));
}

std::vector<AddedTokens::Stretch> AddedTokens::split(std::string_view text) const {
  std::vector<Stretch> stretches;
  std::size_t done = 0;  // what lies before is in `stretches`
  for (std::size_t at = 0; at < text.size();) {
    ByteTrie::Match match;
    if (starts_[static_cast<unsigned char>(text[at])])
      match = trie_.longest_prefix(text.substr(at));
    if (match.length == 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(match.value)];
    const std::size_t end = at + match.length;
    if (token.single_word && joins_a_word(text, at, end)) {
      at = end;
      continue;
    }
    std::string_view before = text.substr(done, at - done);
    if (token.lstrip) before = unicode::strip_back(before, rules_.is_space);
    if (!before.empty()) stretches.push_back({before, -1});
    stretches.push_back({text.substr(at, match.length), token.id});
    std::string_view after = text.substr(end);
    if (token.rstrip) after = unicode::strip_front(after, rules_.is_space);
    at = done = text.size() - after.size();
  }
  if (done < text.size()) stretches.push_back({text.substr(done), -1});
  return stretches;
}

}  // namespace tandem
