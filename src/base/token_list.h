// CTranslate2's vocabulary files as the model's reader and the tokenizer both find them: one for
// both sides or one for each, JSON (a list of strings) or text (one token a line).
// Source: OpenNMT/CTranslate2, src/models/sequence_to_sequence.cc and src/vocabulary.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

struct TokenListNames {
  std::string source, target;  // the same name: one list for both sides
};

// `names` are the files of a directory, sorted. Nothing unless the vocabularies are there.
std::optional<TokenListNames> find_token_lists(std::span<const std::string> names);

// One token a line; an empty line is an empty token. A carriage return at the end of lines is the
// file's only if all lines have one.
std::vector<std::string> split_token_lines(std::string_view text);

// Ends `tokens` with `unknown` unless it is among them.
void ensure_unknown_token(std::vector<std::string>& tokens, const std::string& unknown);

}  // namespace tandem
