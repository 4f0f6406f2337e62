// What a caller gives, a text or ids or features, as the model reads it. Step 1 of the path in
// generate.cc, and of scoring and encoding.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/engine_state.h"

namespace tandem {

// What happens to a source that is longer than the model takes.
enum class TooLong { refuse, truncate };

inline TooLong too_long(const Request& request) {
  return request.truncate_source ? TooLong::truncate : TooLong::refuse;
}

// An input as the encoder reads it; ids and shapes are checked. Throws Error{invalid_argument,
// resource_exhausted}.
Source encode_source(const EngineState& engine, const Input& input, const std::string& source_lang,
                     const std::string& target_lang, TooLong too_long = TooLong::refuse);
// What a request adds to the source's embeddings. Throws Error{invalid_argument} as check_added.
void take_added(const EngineState& engine, std::span<const AddedEmbedding> added, Source& source);
// Token ids of a text of the target side. `with_end`: keep the end token that the tokenizer adds.
std::vector<TokenId> encode_target(const EngineState& engine, const Input& input,
                                   const std::string& source_lang, const std::string& target_lang,
                                   bool with_end);

// Throws Error{invalid_argument} for an id outside the target vocabulary; `what` names the list.
void check_target_ids(const EngineState& engine, const std::vector<TokenId>& ids, const char* what);

}  // namespace tandem
