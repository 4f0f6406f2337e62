// The tokenizer of Hugging Face Marian models (OPUS-MT), and of OPUS-MT packages with vocab.yml.
//
//   source text: [ ">>xxx<<" ] pieces of source.spm, </s>     target text: pieces of target.spm,
//   </s>
//
// What it does:  SentencePiece gives strings, the vocabulary turns each string into an id; the ids
//                of the SentencePiece models are not used. A string that is not in the vocabulary
//                is the unknown token, one for each. Special tokens written in a text are
//                themselves.
// Cost:          as SentencePiece, and one array look-up for each piece.
// Source:        behaviour of transformers 5.23.0, models/marian/tokenization_marian.py. The Moses
//                punctuation normaliser that the class has is never applied there, nor here.
// Surprising:    with separate vocabularies the special tokens have their ids of the source
//                vocabulary on both sides. The piece that has one of these ids in the target
//                vocabulary cannot be written; generation configs forbid it.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/tokenizer.h>

#include "text/byte_trie.h"
#include "text/languages.h"
#include "text/sentencepiece.h"
#include "text/vocabulary.h"

namespace tandem {

class MarianTokenizer final : public Tokenizer {
 public:
  struct Parts {
    std::shared_ptr<const SentencePiece> source_pieces;
    std::shared_ptr<const SentencePiece> target_pieces;
    std::shared_ptr<const Vocabulary> source_vocabulary;
    std::shared_ptr<const Vocabulary> target_vocabulary;  // the same object if the sides share it
    std::string unk = "<unk>";
    std::string eos = "</s>";
    std::string pad = "<pad>";  // need not be in the vocabulary
    std::string target_lang;    // of a model for one pair, as its config says; may be empty
  };

  // Throws Error{corrupt} if the end token is not in the source vocabulary, or the unknown one
  // missing on either side.
  explicit MarianTokenizer(Parts parts);

  // `options.target_lang` names one of the vocabulary's `>>xxx<<` tokens, with or without the
  // marks, or is a tag for it (languages.h); for a model without any it must be the one that its
  // config says. `source_lang` is not looked at, because these models have no token for it.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  // Ids of the target vocabulary. Special tokens that are kept are followed by a space.
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const override;
  // The target vocabulary's string, as transformers answers for ids of either side; of an id that
  // only the source vocabulary has, that one's.
  std::string token(TokenId id) const override;
  // Of the larger one, where the sides have a vocabulary each.
  TokenId vocabulary_size() const override {
    return std::max(source_.vocabulary->size(), target_.vocabulary->size());
  }
  TokenId eos_id() const override { return eos_id_; }
  TokenId pad_id() const override { return pad_id_; }
  TokenId unk_id() const override { return source_.unk; }

 private:
  struct Side {
    std::shared_ptr<const SentencePiece> pieces;
    std::shared_ptr<const Vocabulary> vocabulary;
    std::vector<TokenId> ids;  // vocabulary id of each piece id; unk where it has none
    TokenId unk = -1;

    // The id of a string, or the unknown token's.
    TokenId find(std::string_view token) const;
  };

  static Side make_side(std::shared_ptr<const SentencePiece> pieces,
                        std::shared_ptr<const Vocabulary> vocabulary, const std::string& unk);
  // The special token that has this id; empty if it is an ordinary one.
  std::string_view special_token(TokenId id) const;
  // Appends the token of a requested language, if this model has such tokens.
  void encode_language(const std::string& target_lang, std::vector<TokenId>& ids) const;
  // Appends the ids of text between special tokens.
  void encode_stretch(const Side& side, std::string_view text, std::vector<TokenId>& ids) const;

  Side source_, target_;
  std::string unk_, eos_, pad_, target_lang_;
  TokenId eos_id_ = -1, pad_id_ = -1;
  ByteTrie specials_;                   // the special tokens with their ids
  Languages languages_;                 // the xxx of >>xxx<<
};

}  // namespace tandem
