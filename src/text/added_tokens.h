// Tokens that are cut out of a text before anything else looks at it: special tokens, language
// codes, what a fine-tuning added.
//
// What it does:  finds them from left to right, the longest where several begin, and takes the
//                white space on the sides where a token says so.
// Cost:          one trie step a byte; in the worst case the text times the longest token, which is
//                bounded.
// Source:        tokenizers 0.23.3 (tokenizer/added_vocabulary.rs) and transformers 4.57.6
//                (tokenization_utils.py, tokenize). They differ in what is white space and in what
//                makes a single word.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>

#include "text/byte_trie.h"
#include "text/unicode.h"

namespace tandem {

struct AddedToken {
  std::string content;
  TokenId id = -1;
  bool single_word = false;  // found only between other characters than those of a word
  bool lstrip = false;       // takes the white space on its left along
  bool rstrip = false;       // and on its right
  bool normalized = false;   // looked for in the normalised text
  bool special = false;      // left out of decoded text on request
};

// The two ways to find added tokens.
struct AddedTokenRules {
  unicode::Property is_space;
  unicode::Property continues_word;  // beside a single_word token: it is no token
};
extern const AddedTokenRules kLibraryRules;  // the tokenizers library, tokenizer.json
extern const AddedTokenRules kPythonRules;   // the classes of transformers written in Python

// Immutable and thread-safe.
class AddedTokens {
 public:
  AddedTokens() = default;
  // Tokens without content are left out. Throws Error{resource_exhausted} for one that is longer
  // than 1024 bytes.
  AddedTokens(std::vector<AddedToken> tokens, const AddedTokenRules& rules);

  // A stretch of ordinary text (id -1), or a token. Stretches are never empty.
  struct Stretch {
    std::string_view text;
    TokenId id = -1;
  };
  // `text` must be valid UTF-8; the stretches point into it.
  std::vector<Stretch> split(std::string_view text) const;

 private:
  bool joins_a_word(std::string_view text, std::size_t begin, std::size_t end) const noexcept;

  std::vector<AddedToken> tokens_;
  AddedTokenRules rules_ = kLibraryRules;
  ByteTrie trie_;
  std::array<bool, 256> starts_{};  // bytes that a token begins with
};

}  // namespace tandem
