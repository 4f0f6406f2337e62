// The special and added tokens that a Hugging Face directory declares beside its vocabulary.
//
// Files, the first that says something counts: tokenizer_config.json (`added_tokens_decoder`, the
// named tokens, `additional_special_tokens`), special_tokens_map.json, added_tokens.json, then the
// defaults of the tokenizer's class.
// Source: transformers 4.57.6, tokenization_utils_base.py (_from_pretrained).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/model_folder.h"

namespace tandem {

struct SpecialTokens {
  std::vector<AddedToken> added;             // with ids, sorted by them
  std::map<std::string, std::string> named;  // "eos_token" to "</s>"; absent: the class's default
  std::optional<std::vector<std::string>> additional;

  // Throws Error{corrupt} for members of another type than they must have.
  static SpecialTokens read(const ModelFolder& folder);

  // The named token, or its default. Empty: none.
  std::string name_of(const std::string& key, const std::string& fallback) const;
};

// One entry of an "added_tokens" list or of `added_tokens_decoder`, without its id.
AddedToken read_added_token(const nlohmann::json& entry, const std::string& where);

}  // namespace tandem
