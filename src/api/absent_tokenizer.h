// Stands in where a model directory has no tokenizer: requests by ids work and give ids, a text is
// answered with the error that says what is missing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

namespace tandem {

class AbsentTokenizer final : public Tokenizer {
 public:
  // `reason`: why there is none.
  AbsentTokenizer(Error reason, TokenId vocabulary_size, TokenId eos_id, TokenId pad_id)
      : reason_(std::move(reason)), vocabulary_size_(vocabulary_size), eos_id_(eos_id), pad_id_(pad_id) {}

  std::vector<TokenId> encode(std::string_view, const EncodeOptions&) const override { throw reason_; }
  // Without a vocabulary the text of an output is unknown; its ids are the answer.
  std::string decode(std::span<const TokenId>, bool) const override { return {}; }
  std::string token(TokenId) const override { throw reason_; }
  TokenId vocabulary_size() const override { return vocabulary_size_; }
  TokenId eos_id() const override { return eos_id_; }
  TokenId pad_id() const override { return pad_id_; }
  TokenId unk_id() const override { return -1; }

 private:
  Error reason_;
  TokenId vocabulary_size_, eos_id_, pad_id_;
};

}  // namespace tandem
