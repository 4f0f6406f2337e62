#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "decoding/constraints/token_index.h"

namespace tandem {
namespace {

// A longer token has no place in a trie with 16 bits of depth, nor in any vocabulary in use.
constexpr std::size_t kMaxTokenBytes = 4096;

bool is_usable(const TokenBytes& token) {
  return token.is_text && !token.middle.empty() && token.middle.size() <= kMaxTokenBytes;
}

bool is_one_character(std::string_view bytes) {
  return bytes.size() == 1 || first_char(bytes).bytes == bytes.size();
}

}  // namespace

TokenTrie::TokenTrie(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end());
  std::vector<std::uint32_t> open;  // the nodes above, by depth
  std::string_view path;
  const auto close_to = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back())
      nodes_[open.back()].behind = static_cast<std::uint32_t>(nodes_.size());
  };
  for (const auto& [bytes, token] : entries) {
    const auto shared = std::mismatch(path.begin(), path.end(), bytes.begin(), bytes.end()).first;
    close_to(static_cast<std::size_t>(shared - path.begin()));
    for (std::size_t depth = open.size(); depth < bytes.size(); ++depth) {
      open.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<std::uint32_t>(tokens_.size()),
                        static_cast<std::uint16_t>(depth),
                        static_cast<std::uint8_t>(bytes[depth])});
    }
    tokens_.push_back(token);
    path = bytes;
    max_depth_ = std::max(max_depth_, bytes.size());
  }
  close_to(0);
}

TokenIndex::TokenIndex(const std::vector<TokenBytes>& tokens) : cut_at_end(tokens.size()) {
  std::vector<TokenTrie::Entry> front_entries, blank_entries, middle_entries, character_entries;
  std::array<bool, 256> written{};
  bool any_cut = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const TokenBytes& token = tokens[i];
    const auto id = static_cast<TokenId>(i);
    if (!is_usable(token)) continue;
    all.push_back(id);
    middle_entries.emplace_back(token.middle, id);
    if (is_one_character(token.middle)) character_entries.emplace_back(token.middle, id);
    if (token.first.empty()) {
      blanks.push_back(id);
    } else {
      front_entries.emplace_back(token.first, id);
    }
    if (token.first == token.middle) blank_entries.emplace_back(token.middle, id);
    if (token.middle.size() == 1) written[static_cast<unsigned char>(token.middle[0])] = true;
    cut_at_end[i] = token.is_cut_at_end;
    any_cut = any_cut || token.is_cut_at_end;
  }
  front = TokenTrie(std::move(front_entries));
  behind_blank = TokenTrie(std::move(blank_entries));
  middle = TokenTrie(std::move(middle_entries));
  characters = TokenTrie(std::move(character_entries));
  writes_every_byte =
      !any_cut && std::all_of(written.begin(), written.end(), [](bool is) { return is; });
}

TokenText::TokenText(std::vector<TokenBytes> tokens)
    : tokens_(std::move(tokens)), index_(std::make_unique<const TokenIndex>(tokens_)) {}

TokenText::~TokenText() = default;

std::string TokenText::text(std::span<const TokenId> ids) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const TokenBytes& token = (*this)[ids[i]];
    if (token.is_text) text += i == 0 ? token.first : token.middle;
  }
  return text;
}

std::vector<std::vector<TokenId>> split_words(const TokenText& text,
                                              std::span<const TokenId> tokens) {
  std::vector<std::vector<TokenId>> words;
  bool after_blank = false;
  for (const TokenId token : tokens) {
    const std::string& bytes = text[token].middle;
    const bool starts = !bytes.empty() && (bytes[0] == ' ' || bytes[0] == '\t' || bytes[0] == '\n');
    if (words.empty() || (starts && !after_blank)) words.emplace_back();
    words.back().push_back(token);
    after_blank = starts && bytes.find_first_not_of(" \t\n") == std::string::npos;
  }
  return words;
}

}  // namespace tandem
