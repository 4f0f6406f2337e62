// What stands around the ids of a text: begin, end and language tokens.
//
// Cost: one move of the ids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tandem/tokenizer.h>

#include "text/languages.h"

namespace tandem {

// Immutable once filled, then thread-safe.
struct SequenceTemplate {
  // Where the language token of the text goes.
  enum class LanguagePlace {
    none,   // the model has no language tokens
    first,  // xx X </s>: mBART-50, NLLB, M2M100
    last,   // X </s> xx: mBART, the first release of NLLB
    prompt  // behind the first token of `before`, if a language is given: Whisper
  };

  std::vector<TokenId> before, after;
  // A text that already ends with `after` gets no second one (T5, ByT5).
  bool ends_once = false;
  LanguagePlace place = LanguagePlace::none;
  bool language_starts_decoder = false;  // see LanguageMark
  Languages languages;
  std::string default_source, default_target;  // names for `languages`; may be empty

  // Puts the tokens around `ids`. Throws Error{invalid_argument} for an unknown language, and for a
  // missing one where the place asks for one.
  std::vector<TokenId> wrap(std::vector<TokenId> ids, const EncodeOptions& options) const;

  // Tokenizer::target_language.
  LanguageMark target_language(std::string_view name) const;

 private:
  TokenId language(const EncodeOptions& options) const;  // -1: none
};

}  // namespace tandem
