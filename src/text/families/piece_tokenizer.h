// Families over one SentencePiece model whose ids are not the model's own: a table maps each piece
// to its id, and special tokens stand beside. T5's further rules are in t5_tokenizer.h, the
// families themselves in fairseq_tokenizers.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/families/python_tokenizer.h"
#include "text/sentencepiece.h"

namespace tandem {

class PieceTokenizer : public PythonTokenizer {
 public:
  // How token strings become text. White space at both ends goes in all of them.
  enum class Joining {
    plain,           // one after another, U+2581 to a space: mBART, NLLB
    specials_close,  // runs between special tokens by the model: Pegasus, M2M100
    specials_spaced  // the same with a space before a run of special tokens: mBART-50, T5
  };

  struct Parts : PythonTokenizer::Parts {
    std::shared_ptr<const SentencePiece> pieces;
    std::vector<TokenId> piece_ids;  // id of each piece
    Joining joining = Joining::plain;
    bool looks_up_surfaces = false;  // unknown to the model, a string may yet be in the vocabulary
  };

  PieceTokenizer(Parts parts, const ModelFolder& folder);

 protected:
  void encode_stretch(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string join(std::span<const TokenId> ids) const override;
  // The text of token strings of which `ids` tells the special ones.
  std::string join_tokens(std::span<const TokenId> ids,
                          std::span<const std::string_view> tokens) const;
  const SentencePiece& pieces() const { return *pieces_; }

 private:
  std::shared_ptr<const SentencePiece> pieces_;
  std::vector<TokenId> piece_ids_;
  Joining joining_;
  bool looks_up_surfaces_;
};

}  // namespace tandem
