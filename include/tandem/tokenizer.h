/// Text to token ids and back, with the template of the model's family.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/export.h>
#include <tandem/options.h>

namespace tandem {

struct EncodeOptions {
  std::string source_lang;  ///< empty: the tokenizer's default
  std::string target_lang;
  bool as_target = false;   ///< encode as text of the target side
};

/// The token by which the decoder is told the language of the output.
struct LanguageMark {
  TokenId token = -1;  ///< -1: none
  /// It stands in place of decoder_start_token_id; otherwise behind it, as forced_bos_token_id.
  bool starts_decoder = false;
};

/// Thread-safe: all methods are const and share nothing that changes.
class TANDEM_EXPORT Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Loads the tokenizer of a model directory, or a bare SentencePiece file. Throws Error:
  /// not_found, corrupt, unsupported (the message names what would be needed).
  static std::shared_ptr<const Tokenizer> load(const std::string& path, const Limits& limits = {});

  /// Ids of `text` with the family's special tokens in place. Bytes that are not UTF-8 are read
  /// as U+FFFD. Linear in the length of the text. Throws Error{invalid_argument} for an unknown
  /// language, with the nearest known ones in the hint.
  virtual std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const = 0;

  /// The text of `ids`. Throws Error{invalid_argument} for an id outside the vocabulary.
  virtual std::string decode(std::span<const TokenId> ids, bool skip_special_tokens = true) const = 0;

  /// The vocabulary's string of an id, such as "▁the".
  virtual std::string token(TokenId id) const = 0;
  /// The same of the source side, for models whose sides have a vocabulary each.
  virtual std::string source_token(TokenId id) const { return token(id); }

  /// How outputs in a language begin, for models that are told so there (mBART, M2M100, NLLB).
  /// Without a token: this one reads the language in the source, or has none. Throws as encode.
  virtual LanguageMark target_language(std::string_view language) const {
    static_cast<void>(language);
    return {};
  }

  virtual TokenId vocabulary_size() const = 0;
  virtual TokenId eos_id() const = 0;  ///< -1: none
  virtual TokenId pad_id() const = 0;  ///< -1: none
  virtual TokenId unk_id() const = 0;  ///< -1: none
};

}  // namespace tandem
