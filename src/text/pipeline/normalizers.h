// The first step of a tokenizer.json: text to the text that is searched for tokens.
//
// Kinds: Sequence, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, BertNormalizer, Precompiled,
// Replace, Prepend, Strip, Nmt, ByteLevel. Another kind is Error{unsupported} with its name. Cost:
// each is linear in its text. A result may be 16 times as long as Limits::max_input_bytes. Source:
// behaviour of the tokenizers library 0.23.3 (normalizers/*.rs). Note that Precompiled looks up
// whole grapheme clusters by their shortest matching rule, unlike SentencePiece, from whose models
// the table comes.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <tandem/options.h>

namespace tandem::pipeline {

// Immutable and thread-safe.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // `text` is valid UTF-8 and stays so.
  virtual void apply(std::string& text) const = 0;
};

// Null for a null. Throws Error: corrupt, unsupported.
std::unique_ptr<const Normalizer> make_normalizer(const nlohmann::json& json, const Limits& limits);

}  // namespace tandem::pipeline
