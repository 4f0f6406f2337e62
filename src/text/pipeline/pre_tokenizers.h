// The second step of a tokenizer.json: normalised text to the words that the model sees one by one.
//
// Kinds: Sequence, ByteLevel, Whitespace, WhitespaceSplit, Metaspace, BertPreTokenizer,
// Punctuation, Digits, Split, CharDelimiterSplit. Another kind is Error{unsupported} with its name.
// Cost: each is linear; one small string for each word.
// Source: behaviour of the tokenizers library 0.23.3 (pre_tokenizers/*.rs,
// tokenizer/normalizer.rs).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace tandem::pipeline {

struct Word {
  std::string text;       // valid UTF-8, not empty
  bool at_start = false;  // of the whole input, before any added token
};

// Immutable and thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(std::vector<Word>& words) const = 0;
};

// Null for a null. Throws Error: corrupt, unsupported.
std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const nlohmann::json& json);

}  // namespace tandem::pipeline
