// A sentence that is longer than the model takes, as parts that it takes.
//
// A part ends, in this order of preference, behind the end of a sentence, behind a clause, between two words; looked for
// in the later half of what fits, so that parts stay long. Where nothing of this is found (a text without spaces) a
// part is as long as it may be. The special tokens that the tokenizer puts around a text stand around every part, and
// so does a mark of the target language (">>deu<<") at its front. Law: the parts without them, one after another, are
// the sentence. Cost: linear in its tokens.
#pragma once

#include <span>
#include <vector>

#include <tandem/tokenizer.h>

namespace tandem {

// The beginning of a sentence that is longer than the model takes: the tokens in front that fit,
// with those that stand behind every text still behind them. What a tokenizer of Hugging Face makes
// with truncation=True and `limit` as max_length. `ids` may have been made with other languages
// than `options` names, but has the special tokens of the family around it. Throws as cut_sentence.
std::vector<TokenId> truncate_sentence(const Tokenizer& tokenizer, const EncodeOptions& options,
                                       std::span<const TokenId> ids, std::size_t limit);

// `ids` is what the tokenizer makes of the sentence with `options`; `limit` counts all tokens of a part. Throws
// Error{invalid_argument} if the special tokens alone reach the limit.
std::vector<std::vector<TokenId>> cut_sentence(const Tokenizer& tokenizer, const EncodeOptions& options,
                                               std::span<const TokenId> ids, std::size_t limit);

}  // namespace tandem
