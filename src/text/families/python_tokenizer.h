// What the tokenizers written in Python share: added tokens are cut out of the text, the stretches
// between them are encoded one by one, and a template goes around; decoding joins token strings.
//
// When to use:   as the base of a family whose files are a `.model`, or vocab.json and merges.txt.
//                A tokenizer.json has its own: pipeline/pipeline_tokenizer.h.
// Cost:          one pass over the text for the added tokens, then what the family does.
// Source:        transformers 4.57.6, tokenization_utils.py (PreTrainedTokenizer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tandem/tokenizer.h>

#include "text/added_tokens.h"
#include "text/model_folder.h"
#include "text/sequence_template.h"
#include "text/special_tokens.h"

namespace tandem {

class PythonTokenizer : public Tokenizer {
 public:
  // What a family knows once its files are read.
  struct Parts {
    // The base vocabulary by id, and what else has a fixed id behind it; empty: the id has no
    // token.
    std::vector<std::string> tokens;
    std::size_t base_size = 0;            // 0: all of `tokens`
    std::vector<AddedToken> added;        // id -1: that of the vocabulary, else the next free one
    std::vector<std::string> named;       // the special tokens of the class
    std::vector<std::string> additional;  // and those beside them
    std::string eos, pad, unk;            // among `named`; empty: none
    std::vector<std::string> before, after;  // the template
    bool ends_once = false;                  // see SequenceTemplate
    // In decoded text added tokens stand apart: all of them, or only those that are not special or
    // lie behind the base vocabulary.
    bool separates_all_added = false;

    // Adds the special tokens of a class: each key with its default, then the additional ones.
    // `mask_lstrip`: the mask takes the space before it.
    struct Named {
      const char* key;
      const char* fallback;  // empty: the class has none
    };
    void add_special(const SpecialTokens& special, std::span<const Named> named_tokens,
                     bool mask_lstrip);
  };

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const override;
  std::string token(TokenId id) const final;
  LanguageMark target_language(std::string_view language) const final {
    return template_.target_language(language);
  }
  TokenId vocabulary_size() const final { return static_cast<TokenId>(tokens_.size()); }
  TokenId eos_id() const final { return eos_; }
  TokenId pad_id() const final { return pad_; }
  TokenId unk_id() const final { return unk_; }

 protected:
  // Throws Error{corrupt} if a token of the template, or the unknown token, has no id.
  PythonTokenizer(Parts parts, const ModelFolder& folder);

  std::string_view token_text(TokenId id) const { return tokens_[static_cast<std::size_t>(id)]; }
  bool is_special(TokenId id) const { return has(id, kSpecial); }
  bool is_added(TokenId id) const { return has(id, kAdded); }
  // The id of a token, or -1.
  TokenId find(std::string_view token) const;
  void check_ids(std::span<const TokenId> ids) const;

 private:
  // What happens to the whole text before added tokens are looked for.
  virtual std::string prepare(std::string_view text) const { return std::string(text); }
  // Appends the ids of text between added tokens.
  virtual void encode_stretch(std::string_view text, std::vector<TokenId>& ids) const = 0;
  // Appends an added token.
  virtual void append_added(TokenId id, std::vector<TokenId>& ids) const { ids.push_back(id); }
  // The text of tokens in a row; special ones among them are to be kept.
  virtual std::string join(std::span<const TokenId> ids) const = 0;
  // What stands between the parts of decoded text.
  virtual std::string_view part_separator() const { return " "; }

  static constexpr std::uint8_t kSpecial = 1, kAdded = 2, kSeparate = 4;
  bool has(TokenId id, std::uint8_t role) const {
    return (roles_[static_cast<std::size_t>(id)] & role) != 0;
  }
  void place_added(std::vector<AddedToken>& added, const Limits& limits);
  void set_roles(const Parts& parts, TokenId base_size);
  std::vector<TokenId> ids_of(const std::vector<std::string>& tokens) const;

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, TokenId> ids_;
  std::vector<std::uint8_t> roles_;  // by id
  AddedTokens added_;
  SequenceTemplate template_;
  std::size_t max_input_bytes_;
  TokenId eos_ = -1, pad_ = -1, unk_ = -1;
};

}  // namespace tandem
