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

}  // namespace

std::vector<std::vector<TokenId>> cut_sentence(const Tokenizer& tokenizer, const EncodeOptions& options,
                                               std::span<const TokenId> ids, std::size_t limit) {
  // The tokens around an empty text are those around any: first what both begin with, then the rest.
  const std::vector<TokenId> around = tokenizer.encode("", options);
  const auto shared = std::mismatch(around.begin(), around.end(), ids.begin(), ids.end()).first - around.begin();
  auto front = static_cast<std::size_t>(shared);
  const std::size_t back = around.size() - front;
  if (front + back < ids.size() && tokenizer.token(ids[front]).starts_with(">>")) ++front;
  if (front + back >= limit || front + back > ids.size())
    throw Error(ErrorCode::invalid_argument, "the model takes " + std::to_string(limit) + " tokens, and " +
                                                 std::to_string(front + back) + " stand around every text");
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
