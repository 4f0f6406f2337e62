// The tokenizer that a tokenizer.json describes.
//
//   text -> added tokens cut out -> normaliser -> pre-tokeniser -> model -> template -> ids
//   ids -> token strings -> decoder -> text
//
// When to use:   whatever the tokenizers library saved. The file is the rule: where transformers
//                rebuilds parts of it by the class's name, the file's own parts are used.
// Cost:          loading is linear in the file and needs about eight times its memory for a moment;
//                encoding is linear in the text, with one small string a word.
// Source:        behaviour of the tokenizers library 0.23.3 (tokenizer/mod.rs). From
//                tokenizer_config.json come the names of the special tokens, the language template
//                of multilingual classes, `clean_up_tokenization_spaces`, and Whisper's decoding.
//                `target_lang` puts MADLAD's <2xx> in front of a source whose vocabulary has them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/tokenizer.h>

#include "text/added_tokens.h"
#include "text/model_folder.h"
#include "text/pipeline/decoders.h"
#include "text/pipeline/models.h"
#include "text/pipeline/normalizers.h"
#include "text/pipeline/pre_tokenizers.h"
#include "text/sequence_template.h"

namespace tandem::pipeline {

class PipelineTokenizer final : public Tokenizer {
 public:
  // `json` is the content of the file. Throws Error: corrupt, unsupported, resource_exhausted.
  PipelineTokenizer(const nlohmann::json& json, const ModelFolder& folder);
  // Reads tokenizer.json of the directory.
  static std::shared_ptr<const Tokenizer> load(const ModelFolder& folder);

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const override;
  std::string token(TokenId id) const override;
  LanguageMark target_language(std::string_view language) const override {
    return template_.target_language(language);
  }
  TokenId vocabulary_size() const override { return size_; }
  TokenId eos_id() const override { return eos_; }
  TokenId pad_id() const override { return pad_; }
  TokenId unk_id() const override { return unk_; }

 private:
  void read_added_tokens(const nlohmann::json& json, const Limits& limits);
  void read_configuration(const nlohmann::json& json, const ModelFolder& folder);
  void read_language_tags();
  TokenId find(std::string_view token) const;
  void check_id(TokenId id) const;
  // Appends the ids of text between added tokens. `at_start`: of the whole text.
  void encode_stretch(std::string_view text, bool at_start, std::vector<TokenId>& ids) const;

  std::unique_ptr<const Normalizer> normalizer_;       // null: none
  std::unique_ptr<const PreTokenizer> pre_tokenizer_;  // null: none
  std::unique_ptr<const Model> model_;
  std::unique_ptr<const Decoder> decoder_;  // null: tokens joined by spaces
  std::unordered_map<TokenId, AddedToken> added_;
  std::unordered_map<std::string, TokenId> added_ids_;
  AddedTokens raw_added_;         // found before the normaliser
  AddedTokens normalized_added_;  // and behind it
  SequenceTemplate template_;
  Languages tags_;  // of <2xx>, which stands in front of a source
  std::size_t max_input_bytes_;
  TokenId size_ = 0;
  TokenId eos_ = -1, pad_ = -1, unk_ = -1;
  bool cleans_up_ = false;
  bool is_whisper_ = false;
};

}  // namespace tandem::pipeline
