#include "text/sequence_template.h"

#include <algorithm>

#include <tandem/error.h>

namespace tandem {

TokenId SequenceTemplate::language(const EncodeOptions& options) const {
  if (place == LanguagePlace::none) return -1;
  const bool names_target =
      options.as_target || (place == LanguagePlace::prompt && !options.target_lang.empty());
  const char* what = names_target ? "target language" : "source language";
  const std::string& given = names_target ? options.target_lang : options.source_lang;
  const std::string& wanted = !given.empty() ? given
                              : names_target ? default_target
                                             : default_source;
  if (!wanted.empty()) return languages.find(wanted, what);
  if (place == LanguagePlace::prompt) return -1;
  throw Error(ErrorCode::invalid_argument,
              std::string("encoding a text: this model needs a ") + what,
              "set it in the options, or in tokenizer_config.json");
}

LanguageMark SequenceTemplate::target_language(std::string_view name) const {
  if (place != LanguagePlace::first && place != LanguagePlace::last) return {};
  return {languages.find(name, "target language"), language_starts_decoder};
}

std::vector<TokenId> SequenceTemplate::wrap(std::vector<TokenId> ids,
                                            const EncodeOptions& options) const {
  const TokenId code = language(options);
  std::vector<TokenId> wrapped;
  wrapped.reserve(ids.size() + before.size() + after.size() + 1);
  if (code >= 0 && place == LanguagePlace::first) wrapped.push_back(code);
  for (std::size_t i = 0; i < before.size(); ++i) {
    wrapped.push_back(before[i]);
    if (i == 0 && code >= 0 && place == LanguagePlace::prompt) wrapped.push_back(code);
  }
  wrapped.insert(wrapped.end(), ids.begin(), ids.end());
  const bool ended = ends_once && ids.size() >= after.size() &&
                     std::equal(after.rbegin(), after.rend(), ids.rbegin());
  if (!ended) wrapped.insert(wrapped.end(), after.begin(), after.end());
  if (code >= 0 && place == LanguagePlace::last) wrapped.push_back(code);
  return wrapped;
}

}  // namespace tandem
