// The last step of a tokenizer.json: token strings to text.
//
// Kinds: Sequence, ByteLevel, Metaspace, WordPiece, ByteFallback, Fuse, Strip, Replace, BPEDecoder.
// Another kind is Error{unsupported} with its name. Cost: each is linear.
// Source: behaviour of the tokenizers library 0.23.3 (decoders/*.rs).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace tandem::pipeline {

// Immutable and thread-safe.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Rewrites the tokens; what is left at the end is the text, one token after another.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

// Null for a null. Throws Error: corrupt, unsupported.
std::unique_ptr<const Decoder> make_decoder(const nlohmann::json& json);

// "the cat ." to "the cat.": English punctuation and short forms without the space before them, as
// transformers does where `clean_up_tokenization_spaces` asks for it.
std::string clean_up_spaces(std::string text);

}  // namespace tandem::pipeline
