// WordTokenizer: token i is written as words[i], with nothing between them. For searches that read
// text.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <tandem/tokenizer.h>

namespace tandem::testing {

class WordTokenizer : public Tokenizer {
 public:
  explicit WordTokenizer(std::vector<std::string> words) : words_(std::move(words)) {}

  std::vector<TokenId> encode(std::string_view, const EncodeOptions&) const override { return {}; }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids) text += words_.at(static_cast<std::size_t>(id));
    return text;
  }
  std::string token(TokenId id) const override { return words_.at(static_cast<std::size_t>(id)); }
  TokenId vocabulary_size() const override { return static_cast<TokenId>(words_.size()); }
  TokenId eos_id() const override { return 0; }
  TokenId pad_id() const override { return -1; }
  TokenId unk_id() const override { return -1; }

 private:
  std::vector<std::string> words_;
};

}  // namespace tandem::testing
