#include "text/families/piece_tokenizer.h"

#include <algorithm>
#include <utility>

#include "text/character_class.h"
#include "text/normalizer.h"

namespace tandem {
namespace {

void append_with_spaces(std::string& out, std::string_view token) {
  for (std::size_t at; (at = token.find(kSpaceSymbol)) != std::string_view::npos;
       token.remove_prefix(at + kSpaceSymbol.size())) {
    out += token.substr(0, at);
    out += ' ';
  }
  out += token;
}

}  // namespace

// The base takes its part of `parts` only: the rest may be moved from behind it.
PieceTokenizer::PieceTokenizer(Parts parts, const ModelFolder& folder)
    : PythonTokenizer(static_cast<PythonTokenizer::Parts&&>(parts), folder),
      pieces_(std::move(parts.pieces)),
      piece_ids_(std::move(parts.piece_ids)),
      joining_(parts.joining),
      looks_up_surfaces_(parts.looks_up_surfaces) {}

void PieceTokenizer::encode_stretch(std::string_view text, std::vector<TokenId>& ids) const {
  if (!looks_up_surfaces_) {
    for (const TokenId piece : pieces_->encode(text))
      ids.push_back(piece_ids_[static_cast<std::size_t>(piece)]);
    return;
  }
  const SentencePiece::Encoding encoding = pieces_->encode_pieces(text);
  for (const Segment& piece : encoding.pieces) {
    TokenId id = piece_ids_[static_cast<std::size_t>(piece.id)];
    if (piece.id == pieces_->pieces().unk()) {
      const TokenId known = find(pieces_->surface(encoding, piece));
      if (known >= 0) id = known;
    }
    ids.push_back(id);
  }
}

std::string PieceTokenizer::join(std::span<const TokenId> ids) const {
  std::vector<std::string_view> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) tokens.push_back(token_text(id));
  return join_tokens(ids, tokens);
}

std::string PieceTokenizer::join_tokens(std::span<const TokenId> ids,
                                        std::span<const std::string_view> tokens) const {
  std::string text;
  if (joining_ == Joining::plain) {
    for (const std::string_view token : tokens) append_with_spaces(text, token);
    return std::string(strip(text));
  }
  std::size_t run = 0;  // where the pieces that are not in `text` yet begin
  bool after_special = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!is_special(ids[i])) {
      after_special = false;
      continue;
    }
    if (joining_ == Joining::specials_spaced && !after_special) text += ' ';
    text += pieces_->decode_pieces(tokens.subspan(run, i - run));
    text += tokens[i];
    run = i + 1;
    after_special = true;
  }
  text += pieces_->decode_pieces(tokens.subspan(run));
  return std::string(strip(text));
}

}  // namespace tandem
