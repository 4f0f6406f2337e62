// What each token adds to the text, measured on the tokenizer's own decoding.
//
// What it does:  decodes each token between two tokens of plain letters and takes the letters away.
//                So the rules of every family (dropped spaces, word-piece marks, byte fallback,
//                spaces around added tokens) are those of its `decode`, not a second copy of them.
//                A token that makes no whole character alone is read off its string: <0xC3>, the
//                byte-level alphabet, or the byte as a character (ByT5).
// Cost:          five short calls of decode for each token.
// Laws:          for outputs made of ids the bytes put together are the decoded text, for every
//                golden tokenizer (tests/text/token_bytes_test.cc).
#include <algorithm>
#include <optional>
#include <utility>

#include <tandem/error.h>
#include <tandem/text_constraint.h>
#include <tandem/tokenizer.h>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/sentencepiece_model.h"

namespace tandem {
namespace {

bool is_letters(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

// `text` without `front` and `back`, or nothing if they are not there.
std::optional<std::string> between(std::string_view text, std::string_view front,
                                   std::string_view back) {
  if (text.size() < front.size() + back.size() || !text.starts_with(front) || !text.ends_with(back))
    return std::nullopt;
  return std::string(text.substr(front.size(), text.size() - front.size() - back.size()));
}

class TokenProbe {
 public:
  explicit TokenProbe(const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), frame_(tokenizer.encode("")) {
    frame_.insert(frame_.end(), {tokenizer.eos_id(), tokenizer.pad_id(), tokenizer.unk_id()});
    find_anchors();
  }

  TokenBytes read(TokenId id) const {
    TokenBytes bytes;
    if (std::find(frame_.begin(), frame_.end(), id) != frame_.end()) return bytes;
    const std::string shown = decode({left_, id, right_});
    auto middle = between(shown, left_text_, right_text_);
    if (!middle || middle->empty() || middle->find(kReplacementUtf8) != std::string::npos)
      return read_string(id, shown);
    const auto first = between(decode({id, right_}), "", right_text_);
    const auto twice = between(decode({left_, id, id, right_}), left_text_, right_text_);
    if (!first || twice != *middle + *middle) return bytes;
    bytes.is_cut_at_end = decode({left_, id}) != left_text_ + *middle;
    bytes.is_text = true;
    bytes.first = *first;
    bytes.middle = *std::move(middle);
    return bytes;
  }

 private:
  std::string decode(std::initializer_list<TokenId> ids, bool skip_special = true) const {
    return tokenizer_.decode({ids.begin(), ids.size()}, skip_special);
  }

  // A token of letters to stand on the left, and one to stand on the right, best without a space.
  void find_anchors() {
    for (TokenId id = 0; id < tokenizer_.vocabulary_size(); ++id) {
      const std::string text = decode({id});
      if (text.size() > 2 || !is_letters(text)) continue;
      if (left_ < 0) {
        left_ = id;
        left_text_ = text;
      }
      const auto right = between(decode({left_, id}), left_text_, "");
      if (!right || (*right != text && *right != ' ' + text)) continue;
      if (right_ >= 0 && *right != text) continue;
      right_ = id;
      right_text_ = *right;
      if (right_text_ == text) return;
    }
    if (right_ < 0)
      throw Error(ErrorCode::unsupported,
                  "constraints over text: no token of this vocabulary is a letter or two, and the "
                  "text of a token cannot be told");
  }

  // A token that is no whole character alone; `shown` is how it was decoded.
  TokenBytes read_string(TokenId id, const std::string& shown) const {
    TokenBytes bytes;
    const bool is_special = decode({left_, id, right_}, /*skip_special=*/false) != shown;
    const std::string token = tokenizer_.token(id);
    if (is_special || token.empty()) return bytes;
    const Utf8Char character = first_char(token);
    if (const int byte = byte_of_piece(token); byte >= 0) {
      bytes.middle = static_cast<char>(byte);
    } else if (!byte_level::append_bytes(bytes.middle, token)) {
      if (character.bytes != token.size() || character.code_point < 0x80 ||
          character.code_point > 0xFF)
        return bytes;
      bytes.middle = static_cast<char>(character.code_point);
    }
    bytes.first = bytes.middle;
    bytes.is_text = !is_valid_utf8(bytes.middle);
    return bytes;
  }

  const Tokenizer& tokenizer_;
  std::vector<TokenId> frame_;  // the template's tokens, and those that are no text by their role
  TokenId left_ = -1, right_ = -1;
  std::string left_text_, right_text_;  // `right_text_` behind another token
};

}  // namespace

std::vector<TokenBytes> read_token_bytes(const Tokenizer& tokenizer) {
  const TokenProbe probe(tokenizer);
  std::vector<TokenBytes> tokens;
  tokens.reserve(static_cast<std::size_t>(tokenizer.vocabulary_size()));
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) tokens.push_back(probe.read(id));
  return tokens;
}

}  // namespace tandem
