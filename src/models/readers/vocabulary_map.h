// CTranslate2's vocabulary maps (vmap.txt): which target tokens can occur in the translation of the
// words of a source, for the output layer to compute only those.
//
// Format:   lines of a source n-gram, a tab, and target tokens; tokens are separated by spaces. An
//           empty n-gram stands for tokens that are always candidates. Of several lines with one
//           n-gram the last counts.
// Rule:     the candidates are those of every n-gram of the source, of the empty one, and the
//           unknown, begin and end tokens.
// Source:   OpenNMT/CTranslate2, src/vocabulary_map.cc, as a behaviour.
// Differs:  the set is built for one sentence; CTranslate2 takes the union over a batch, so that
//           there a neighbour's words change a sentence's translation. N-grams are looked up by
//           ids: one with a token that the source vocabulary lacks matches nothing. A line without
//           a tab is an error; CTranslate2 takes it for the empty n-gram.
// Cost:     reading is linear in the file; a look-up in the source times the longest n-gram.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/options.h>

#include "base/file_io.h"

namespace tandem {

class VocabularyMap {
 public:
  // The vocabularies: the id of a token, -1 where the source has none and the unknown token's where
  // the target has none; and the candidates for any source.
  struct Tokens {
    std::function<TokenId(std::string_view)> source_id, target_id;
    std::vector<TokenId> always;
  };

  // Throws Error: as FileBytes::read; corrupt (a line without a tab or with two).
  static VocabularyMap read(const std::string& path, const Limits& limits, const Tokens& tokens);
  static VocabularyMap parse(const FileBytes& file, const Tokens& tokens);

  // The target tokens for a sentence, ascending.
  std::vector<TokenId> candidates(std::span<const TokenId> source) const;

 private:
  // The ids of an n-gram, one a character, for the hash of the standard library.
  using Ngram = std::u32string;

  std::unordered_map<Ngram, std::vector<TokenId>> targets_;
  std::size_t longest_ = 0;  // n-gram
  std::vector<TokenId> always_;
};

}  // namespace tandem
