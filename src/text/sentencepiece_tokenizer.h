// Tokenizers whose ids are those of SentencePiece models: a bare model, and Marian's own format.
//
// A bare `.model` or `.spm` file adds nothing to the ids. A native Marian model ends each text with
// the end token and may have one model for each side. Neither knows languages: `source_lang` and
// `target_lang` are not looked at.
// Source: marian-nmt/marian-dev, src/data/sentencepiece_vocab.cpp, for the rules of the second.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/tokenizer.h>

#include "text/sentencepiece.h"

namespace tandem {

enum class EndToken { omitted, appended };

class SentencePieceTokenizer final : public Tokenizer {
 public:
  // `target` may be the same model as `source`. With EndToken::appended both need an end piece,
  // else Error{corrupt}.
  SentencePieceTokenizer(std::shared_ptr<const SentencePiece> source,
                         std::shared_ptr<const SentencePiece> target, EndToken end_token);

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  // Ids of the target side. With skip_special_tokens as SentencePiece decodes: control pieces are
  // nothing. Without, they are written as they are called.
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const override;
  std::string token(TokenId id) const override;  // of the target side
  TokenId vocabulary_size() const override { return target_->pieces().size(); }
  TokenId eos_id() const override { return source_->eos_id(); }
  TokenId pad_id() const override { return source_->pad_id(); }
  TokenId unk_id() const override { return source_->pieces().unk(); }

 private:
  std::shared_ptr<const SentencePiece> source_, target_;
  EndToken end_token_;
};

}  // namespace tandem
