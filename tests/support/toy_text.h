// A vocabulary of a few pieces, for constraints over text on table models: id 0 ends the sentence,
// 1 and 2 are no text either, the pieces follow.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tandem/text_constraint.h>

namespace tandem::testing {

// A piece that begins with '_' begins with a space, which is dropped at the front of a text; "_"
// alone is a blank.
inline std::vector<TokenBytes> toy_tokens(const std::vector<std::string>& pieces) {
  std::vector<TokenBytes> tokens(3);
  for (const std::string& piece : pieces) {
    TokenBytes token;
    token.is_text = true;
    token.first = piece[0] == '_' ? piece.substr(1) : piece;
    token.middle = piece[0] == '_' ? ' ' + piece.substr(1) : piece;
    token.is_cut_at_end = piece == "_";
    tokens.push_back(std::move(token));
  }
  return tokens;
}

inline std::shared_ptr<const TokenText> toy_text(const std::vector<std::string>& pieces) {
  return std::make_shared<const TokenText>(toy_tokens(pieces));
}

}  // namespace tandem::testing
