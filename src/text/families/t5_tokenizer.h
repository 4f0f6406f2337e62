// T5, Flan-T5, mT5, UMT5 and MADLAD from their `spiece.model`: `X </s>`.
//
// What it does:  ids are the model's own; sentinels <extra_id_0>, <extra_id_1>, ... follow them in
//                descending order. Two behaviours: `legacy` (the default) encodes each stretch
//                between sentinels as if it began a text; without it only the text has a prefix.
//                MADLAD's target languages are pieces <2xx> before the text: `target_lang` adds
//                one.
// Cost:          as SentencePiece.
// Source:        transformers 4.57.6, models/t5/tokenization_t5.py.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/families/piece_tokenizer.h"
#include "text/languages.h"

namespace tandem {

class T5Tokenizer final : public PieceTokenizer {
 public:
  struct Parts : PieceTokenizer::Parts {
    bool legacy = true;
    bool add_prefix_space = true;
  };

  T5Tokenizer(Parts parts, const ModelFolder& folder);
  // Reads spiece.model of the directory.
  static std::shared_ptr<const Tokenizer> load(const ModelFolder& folder);

  // `target_lang` is looked at where the model has <2xx> pieces, and not for target texts.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;

 private:
  std::string prepare(std::string_view text) const override;
  void encode_stretch(std::string_view text, std::vector<TokenId>& ids) const override;
  void append_added(TokenId id, std::vector<TokenId>& ids) const override;
  std::string join(std::span<const TokenId> ids) const override;

  bool legacy_, add_prefix_space_;
  Languages languages_;  // of <2xx>
};

}  // namespace tandem
