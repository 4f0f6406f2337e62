// StopStrings: ends an output after the first token that completes one of the given texts.
//
// Cost:     one decoding of the output for each token, where strings are given.
// Source:   transformers, generation/stopping_criteria.py `StopStringCriteria`: the string may
//           begin anywhere, inside a token or in the prefix, but a generated token must complete
//           it, and what that token adds after the string stays.
// Differs:  strings are looked for in the text as the tokenizer writes it, special tokens removed.
#pragma once

#include <span>

#include "decoding/search_options.h"

namespace tandem {

class StopStrings {
 public:
  // `options` must outlive this.
  explicit StopStrings(const SearchOptions& options);

  // Whether one of the strings stands in the text of `ids` (the prefix and what was generated) and
  // ends after the prefix.
  bool completed(std::span<const TokenId> ids) const;

 private:
  const SearchOptions& options_;
  std::size_t prefix_bytes_ = 0;
};

}  // namespace tandem
