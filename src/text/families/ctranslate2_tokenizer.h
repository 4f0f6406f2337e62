// The tokenizer of CTranslate2 directories: the model's own vocabulary, and the way to cut a text
// into its tokens.
//
// What it does:  CTranslate2 reads tokens and leaves the cutting to its callers. Here it is done by
//                what lies in the directory, the first of:
//                - the tokenizer of another kind that its files make (tokenizer.json, ...), whose
//                  token strings are looked up in the vocabulary, its special tokens included;
//                - SentencePiece: source.spm and target.spm, or one model for both sides;
//                - nothing: a text is its tokens, separated by spaces, as in CTranslate2's program.
//                A string that is not in the vocabulary is the unknown token. Then the model's
//                begin and end tokens are added to a source if its configuration says so, and the
//                end token to a target.
// Cost:          that of the cutting, and one hash look-up for each token.
// Source:        OpenNMT/CTranslate2, src/vocabulary.cc and docs/guides/transformers.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tandem/tokenizer.h>

#include "text/model_folder.h"
#include "text/sentencepiece.h"

namespace tandem {

// The special tokens of a model, and which of them a source gets.
struct CTranslate2Marks {
  std::string unknown = "<unk>", bos = "<s>", eos = "</s>";
  bool add_source_bos = false, add_source_eos = false;
};

class CTranslate2Tokenizer final : public Tokenizer {
 public:
  // One side's tokens, by id.
  struct Side {
    std::vector<std::string> tokens;
    std::shared_ptr<const SentencePiece> pieces;  // null: not by SentencePiece
  };
  struct Parts {
    std::shared_ptr<const Side> source, target;  // perhaps the same
    std::shared_ptr<const Tokenizer> inner;      // null: none of another kind
    CTranslate2Marks marks;
    std::string name;  // of the directory, for messages
  };

  // Throws Error{corrupt} for a side without its unknown token, or a target without its end.
  explicit CTranslate2Tokenizer(Parts parts);

  // Languages are the inner tokenizer's business.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const override;
  std::string token(TokenId id) const override;  // of the target side
  std::string source_token(TokenId id) const override;
  LanguageMark target_language(std::string_view language) const override;
  TokenId vocabulary_size() const override;  // of the larger side
  TokenId eos_id() const override { return target_.eos; }
  TokenId pad_id() const override { return -1; }
  TokenId unk_id() const override { return target_.unknown; }

 private:
  struct Index {
    std::shared_ptr<const Side> side;
    std::unordered_map<std::string_view, TokenId> ids;  // the first of equal tokens
    TokenId unknown = -1, bos = -1, eos = -1;           // -1: not in the vocabulary

    TokenId find(std::string_view token) const;  // the unknown token's if there is none
  };

  Index index(const std::shared_ptr<const Side>& side) const;
  void append_tokens(const Index& side, std::string_view text, const EncodeOptions& options,
                     std::vector<TokenId>& ids) const;
  std::string join(std::span<const std::string_view> tokens, bool skip_special_tokens) const;

  CTranslate2Marks marks_;
  std::string name_;
  Index source_, target_;
  std::shared_ptr<const Tokenizer> inner_;
  std::unordered_map<std::string, TokenId> inner_ids_;
};

// Also if Tandem has packed it.
bool holds_ctranslate2_model(const ModelFolder& folder);

// The marks that a config.json of CTranslate2 names (version 6 of the format). Before it they lie
// in the model itself, and an Engine gives them.
CTranslate2Marks ctranslate2_marks(const ModelFolder& folder);

// Throws Error: as the readers of the files, corrupt.
std::shared_ptr<const Tokenizer> load_ctranslate2_tokenizer(const ModelFolder& folder,
                                                            CTranslate2Marks marks);

}  // namespace tandem
