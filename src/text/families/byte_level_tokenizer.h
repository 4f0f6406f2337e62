// BART and Whisper from vocab.json and merges.txt: byte-level byte-pair encoding.
//
//   BART      <s> X </s>
//   Whisper   <|startoftranscript|> [<|xx|>] <|notimestamps|> X <|endoftext|>
//
// Cost:   linear in the text, n log n in the length of a word.
// Source: transformers 4.57.6, models/{bart,whisper}/tokenization_*.py; Radford et al. 2019 for the
//         encoding (byte_level.h).
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/families/python_tokenizer.h"
#include "text/pair_merges.h"

namespace tandem {

class ByteLevelTokenizer final : public PythonTokenizer {
 public:
  struct Parts : PythonTokenizer::Parts {
    std::vector<PairMerges::Rule> merges;     // ids from the base vocabulary on: no token of it
    std::array<TokenId, 256> byte_symbols{};  // ids of the single bytes, in the same numbering
    bool add_prefix_space = false;
    bool is_whisper = false;
  };

  ByteLevelTokenizer(Parts parts, const ModelFolder& folder);
  static std::shared_ptr<const Tokenizer> load(const ModelFolder& folder);

  // Of Whisper's ids, a prompt is left out with the special tokens, and times always.
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const override;

 private:
  std::string prepare(std::string_view text) const override;
  void encode_stretch(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string join(std::span<const TokenId> ids) const override;
  std::string_view part_separator() const override { return is_whisper_ ? "" : " "; }

  TokenId base_size_;
  PairMerges merges_;
  std::array<TokenId, 256> byte_symbols_;
  bool add_prefix_space_, is_whisper_;
};

}  // namespace tandem
