// What a tokenizer.json puts around the ids of a single text.
//
// Kinds: TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel (nothing), Sequence.
// Another kind is Error{unsupported} with its name. Templates of pairs are not looked at: an
// encoder-decoder reads one text.
// Source: behaviour of the tokenizers library 0.23.3 (processors/*.rs).
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/constraint.h>

namespace tandem::pipeline {

struct Surroundings {
  std::vector<TokenId> before, after;
};

// Nothing for a null. `vocabulary_size` bounds the ids. Throws Error: corrupt, unsupported.
Surroundings read_post_processor(const nlohmann::json& json, TokenId vocabulary_size);

}  // namespace tandem::pipeline
