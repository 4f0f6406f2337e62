/// Constraints on the *text* of the output: regular expressions, JSON schemas, grammars, tags
/// around unchanged words, edits of a source.
///
///     request.constraint = tandem::make_regex_constraint(engine.token_text(), "(yes|no)[.!]?");
///
/// A constraint is compiled once; requests and threads share what it learns (one mask for each
/// state of the language). It is over the bytes of the text, so that any way to cut an allowed text
/// into tokens is allowed. Special tokens never occur in constrained text, and no token is allowed
/// after which the vocabulary could not complete the text.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/export.h>

namespace tandem {

class Tokenizer;

/// What one token adds to the text.
struct TokenBytes {
  std::string first;   ///< where it begins the text: without the space that decoding drops there
  std::string middle;  ///< behind other text; may be a part of a character
  /// False for special tokens, the unknown token, and tokens whose text depends on others around.
  bool is_text = false;
  /// Its last white space is dropped where it ends the text.
  bool is_cut_at_end = false;
};

/// One entry for each id, read off the tokenizer's own decoding of each token between others. Cost:
/// a few short calls of `decode` for each token (0.2 s for 32,000).
/// Where a tokenizer cleans whole texts up (`clean_up_tokenization_spaces`, Whisper's times), this
/// is the text before. White space that is written byte by byte is not seen as such at the text's
/// ends. Throws Error{unsupported} if no plain letters are found to measure with.
TANDEM_EXPORT std::vector<TokenBytes> read_token_bytes(const Tokenizer& tokenizer);

class TokenIndex;

/// The text side of a vocabulary: what constraints over text need of a tokenizer. Immutable and
/// thread-safe; make it once for a model and share it.
class TANDEM_EXPORT TokenText {
 public:
  explicit TokenText(std::vector<TokenBytes> tokens);
  ~TokenText();
  TokenText(const TokenText&) = delete;
  TokenText& operator=(const TokenText&) = delete;

  TokenId vocabulary_size() const noexcept { return static_cast<TokenId>(tokens_.size()); }
  /// `id` must be in the vocabulary.
  const TokenBytes& operator[](TokenId id) const { return tokens_[static_cast<std::size_t>(id)]; }
  /// True for a token that adds nothing at the front of a text (a space alone, say). One of them
  /// may come first; a token that would lose its own space there may not follow it.
  bool is_blank(TokenId id) const {
    return (*this)[id].is_text && (*this)[id].first.empty() && !(*this)[id].middle.empty();
  }
  /// The text of `ids`, which equals `Tokenizer::decode` where they obey the rule above and the
  /// last of them is not cut at the end.
  std::string text(std::span<const TokenId> ids) const;

  /// For the masks of the constraints below.
  const TokenIndex& index() const noexcept { return *index_; }

 private:
  std::vector<TokenBytes> tokens_;
  std::unique_ptr<const TokenIndex> index_;
};

inline std::shared_ptr<const TokenText> make_token_text(const Tokenizer& tokenizer) {
  return std::make_shared<const TokenText>(read_token_bytes(tokenizer));
}

/// The whole text matches `pattern`: literals, `.`, classes with ranges of Unicode characters and
/// negation, \d \w \s (ASCII) and their negations, groups, `|`, `* + ? {m,n}`, escapes. `^` in
/// front and `$` at the end are allowed and say nothing new. Throws Error: invalid_argument
/// (syntax, with the position), unsupported (look-around, back-references, word boundaries),
/// resource_exhausted (a counted repetition that is too large), unsatisfiable (no text, or none
/// that the vocabulary can write).
TANDEM_EXPORT std::shared_ptr<const Constraint> make_regex_constraint(
    std::shared_ptr<const TokenText> text, std::string_view pattern);

/// The text is derived from the rule `root`, or the first one, of a grammar:
///
///     root   ::= "{" pair ("," pair)* "}"      # literals in double or single quotes
///     pair   ::= name ":" number               # rules in any order, comments to the end of the
///     line name   ::= [a-z_]+                       # classes as in a regular expression number
///     ::= /-?(0|[1-9]\d*)/              # a regular expression
///
/// with `|`, groups and `* + ? {m,n}`. Rules may be recursive, but not at their own beginning.
/// A text nests at most 512 rules deep. Throws as above; left recursion is Error{unsupported}.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_grammar_constraint(
    std::shared_ptr<const TokenText> text, std::string_view ebnf);

/// The text is a JSON value of `schema`, a JSON Schema document: type, enum, const, anyOf,
/// properties (written in the schema's order), required, additionalProperties (false unless it is a
/// schema and there are no properties), items, minItems, maxItems, minLength, maxLength, pattern,
/// $ref within the document. At most one space stands after each of `{ [ , :` and before `} ]`.
/// Numbers have at most 15 digits before and after the point and an exponent of two. Throws Error:
/// unsupported (any other keyword, with its path), otherwise as above.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_json_schema_constraint(
    std::shared_ptr<const TokenText> text, std::string_view schema);

/// The tokens that open and close a tag.
struct TagTokens {
  std::vector<TokenId> open, close;
};

/// The source's words unchanged and in order, with pairs of tags around runs of words: no tag is
/// empty, nested, inside a word or left open. `words` are the tokens of each word.
/// Throws Error{invalid_argument} for an empty word or tag.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_tagged_copy_constraint(
    std::vector<std::vector<TokenId>> words, std::vector<TagTokens> tags);

/// What may be done to a source.
struct EditActions {
  std::vector<std::vector<TokenId>> words;  ///< the tokens of each source word
  /// What may be inserted, as the tokens of each item.
  std::vector<std::vector<TokenId>> insertions;
  int max_insertions = 3;  ///< items in a row; 0: none
};

/// The source's words in order, each kept as it is or deleted, with at most `max_insertions` of the
/// insertions before each kept word and at the end.
/// Throws Error{invalid_argument} for an empty word or insertion, or a negative bound.
TANDEM_EXPORT std::shared_ptr<const Constraint> make_edit_actions_constraint(EditActions actions);

/// The tokens of a text as words: a word begins at the first token and at each token whose text
/// begins with white space; such tokens without more text join the word behind them.
TANDEM_EXPORT std::vector<std::vector<TokenId>> split_words(const TokenText& text,
                                                            std::span<const TokenId> tokens);

}  // namespace tandem
