// ByT5: a byte of UTF-8 is its value + 3, and `X </s>`. There is no vocabulary file.
//
// Cost:   linear.
// Source: Xue et al. 2022 (arXiv 2105.13626); transformers 4.57.6,
//         models/byt5/tokenization_byt5.py. Bytes that make no character are left out of decoded
//         text.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/families/python_tokenizer.h"

namespace tandem {

class Byt5Tokenizer final : public PythonTokenizer {
 public:
  Byt5Tokenizer(Parts parts, const ModelFolder& folder);
  static std::shared_ptr<const Tokenizer> load(const ModelFolder& folder);

 private:
  void encode_stretch(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string join(std::span<const TokenId> ids) const override;
};

}  // namespace tandem
