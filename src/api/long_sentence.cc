#include "api/long_sentence.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <tandem/error.h>

namespace tandem {
namespace {

// What the place between two tokens is, from worst to best.
enum class Place : std::uint8_t { inside_word, between_words, clause_end, sentence_end };

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view b) { return text.starts_with(b); });
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view e) { return text.ends_with(e); });
}

// `before` and `after` are strings of the vocabulary. A space is U+2581 in SentencePiece, U+0120 in byte-level BPE,
// itself among bytes. East Asian punctuation needs none.
Place place_between(std::string_view before, std::string_view after) {
  if (ends_with_any(before, {"。", "！", "？"})) return Place::sentence_end;
  if (ends_with_any(before, {"、", "，", "；"})) return Place::clause_end;
  if (!begins_with_any(after, {"\xE2\x96\x81", "\xC4\xA0", " "})) return Place::inside_word;
  if (ends_with_any(before, {".", "!", "?"})) return Place::sentence_end;
  if (ends_with_any(before, {",", ";", ":"})) return Place::clause_end;
  return Place::between_words;
}

// The end of the part that begins at `first` and has at most `most` tokens: the last of the best places.
std::size_t end_of_part(const std::vector<std::string>& tokens, std::size_t first, std::size_t most) {
  if (tokens.size() - first <= most) return tokens.size();
  std::size_t best = first + most;
  Place found = place_between(tokens[best - 1], tokens[best]);
  for (std::size_t end = best - 1; end > first + most / 2; --end) {
    const Place place = place_between(tokens[end - 1], tokens[end]);
    if (place > found) {
      found = place;
      best = end;
    }
  }
  return best;
}

// How many tokens the tokenizer puts before and behind every text.
struct TokensAround {
  std::size_t front = 0, back = 0;

  std::size_t count() const { return front + back; }
};

// What an empty text and another one begin and end with.
TokensAround tokens_around(const Tokenizer& tokenizer, const EncodeOptions& options) {
  const std::vector<TokenId> none = tokenizer.encode("", options),
                             some = tokenizer.encode("a", options);
  const auto front =
      std::mismatch(none.begin(), none.end(), some.begin(), some.end()).first - none.begin();
  const auto back =
      std::mismatch(none.rbegin(), none.rend() - front, some.rbegin(), some.rend()).first -
      none.rbegin();
  return {static_cast<std::size_t>(front), static_cast<std::size_t>(back)};
}

void check_room(const TokensAround& around, std::size_t tokens, std::size_t limit) {
  if (around.count() < limit && around.count() <= tokens) return;
  throw Error(ErrorCode::invalid_argument, "the model takes " + std::to_string(limit) +
                                               " tokens, and " + std::to_string(around.count()) +
                                               " stand around every text");
}

}  // namespace

std::vector<TokenId> truncate_sentence(const Tokenizer& tokenizer, const EncodeOptions& options,
                                       std::span<const TokenId> ids, std::size_t limit) {
  if (ids.size() <= limit) return {ids.begin(), ids.end()};
  const TokensAround around = tokens_around(tokenizer, options);
  check_room(around, ids.size(), limit);
  const auto kept = ids.first(limit - around.back), rest = ids.last(around.back);
  std::vector<TokenId> truncated(kept.begin(), kept.end());
  truncated.insert(truncated.end(), rest.begin(), rest.end());
  return truncated;
}

std::vector<std::vector<TokenId>> cut_sentence(const Tokenizer& tokenizer, const EncodeOptions& options,
                                               std::span<const TokenId> ids, std::size_t limit) {
  TokensAround around = tokens_around(tokenizer, options);
  if (around.count() < ids.size() && tokenizer.token(ids[around.front]).starts_with(">>"))
    ++around.front;
  check_room(around, ids.size(), limit);
  const auto [front, back] = around;
  std::vector<std::string> tokens;
  for (const TokenId id : ids.subspan(front, ids.size() - front - back)) tokens.push_back(tokenizer.token(id));

  std::vector<std::vector<TokenId>> parts;
  for (std::size_t first = 0, end = 0; first < tokens.size(); first = end) {
    end = end_of_part(tokens, first, limit - front - back);
    std::vector<TokenId> part(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(front));
    const auto body = ids.subspan(front + first, end - first), rest = ids.last(back);
    part.insert(part.end(), body.begin(), body.end());
    part.insert(part.end(), rest.begin(), rest.end());
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace tandem
