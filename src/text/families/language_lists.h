// The languages of mBART, mBART-50, NLLB and M2M100, and the templates that they stand in.
//
// Source: the lists FAIRSEQ_LANGUAGE_CODES of transformers 4.57.6
// (models/{mbart,mbart50,nllb,m2m_100}). The order is that of the ids, which no file of the older
// directories has.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "text/model_folder.h"
#include "text/sequence_template.h"

namespace tandem {

// The codes of a class whose language tokens are the codes themselves; empty for other classes.
std::span<const std::string_view> languages_of(std::string_view tokenizer_class);

// M2M100's list by its name in `language_codes`: "m2m100" or "wmt21".
std::span<const std::string_view> m2m100_languages(const std::string& list);

// The id of a token, or -1.
using FindToken = std::function<TokenId(const std::string&)>;

// Gives `sequence` the language tokens, defaults and place of the directory's class; leaves it
// alone if the class has no languages. Throws Error{corrupt} for members of a wrong type.
void set_language_template(const ModelFolder& folder, const FindToken& find, TokenId eos,
                           SequenceTemplate& sequence);

}  // namespace tandem
