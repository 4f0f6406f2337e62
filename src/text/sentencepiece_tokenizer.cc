#include "text/sentencepiece_tokenizer.h"

#include <utility>

#include <tandem/error.h>

namespace tandem {

SentencePieceTokenizer::SentencePieceTokenizer(std::shared_ptr<const SentencePiece> source,
                                               std::shared_ptr<const SentencePiece> target,
                                               EndToken end_token)
    : source_(std::move(source)), target_(std::move(target)), end_token_(end_token) {
  if (end_token_ == EndToken::appended && (source_->eos_id() < 0 || target_->eos_id() < 0))
    throw Error(ErrorCode::corrupt, "Marian vocabulary: no end-of-sentence piece");
}

std::vector<TokenId> SentencePieceTokenizer::encode(std::string_view text,
                                                    const EncodeOptions& options) const {
  const SentencePiece& side = options.as_target ? *target_ : *source_;
  std::vector<TokenId> ids = side.encode(text);
  if (end_token_ == EndToken::appended) ids.push_back(side.eos_id());
  return ids;
}

std::string SentencePieceTokenizer::decode(std::span<const TokenId> ids,
                                           bool skip_special_tokens) const {
  if (skip_special_tokens) return target_->decode(ids);
  std::string text;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    target_->check_id(ids[i]);
    const Piece& piece = target_->pieces()[ids[i]];
    if (piece.type != PieceType::control) continue;
    text += target_->decode(ids.subspan(begin, i - begin));
    text += piece.text;
    begin = i + 1;
  }
  return text + target_->decode(ids.subspan(begin));
}

std::string SentencePieceTokenizer::token(TokenId id) const {
  target_->check_id(id);
  return target_->pieces()[id].text;
}

}  // namespace tandem
