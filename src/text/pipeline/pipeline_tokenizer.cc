#include "text/pipeline/pipeline_tokenizer.h"

#include <algorithm>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/families/language_lists.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"
#include "text/pipeline/post_processor.h"
#include "text/special_tokens.h"
#include "text/text_limit.h"
#include "text/whisper.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json";

const nlohmann::json& component(const nlohmann::json& json, const char* key) {
  static const nlohmann::json kNull;
  const auto member = json.find(key);
  return member == json.end() ? kNull : *member;
}

}  // namespace

std::shared_ptr<const Tokenizer> PipelineTokenizer::load(const ModelFolder& folder) {
  Limits limits = folder.limits;
  limits.max_config_bytes = limits.max_tokenizer_bytes;  // it holds the vocabulary
  return std::make_shared<const PipelineTokenizer>(
      read_json_object(folder.at("tokenizer.json"), limits), folder);
}

PipelineTokenizer::PipelineTokenizer(const nlohmann::json& json, const ModelFolder& folder)
    : normalizer_(make_normalizer(component(json, "normalizer"), folder.limits)),
      pre_tokenizer_(make_pre_tokenizer(component(json, "pre_tokenizer"))),
      model_(make_model(component(json, "model"), folder.limits)),
      decoder_(make_decoder(component(json, "decoder"))),
      max_input_bytes_(folder.limits.max_input_bytes),
      size_(model_->size()) {
  read_added_tokens(json, folder.limits);
  read_configuration(json, folder);
}

void PipelineTokenizer::read_added_tokens(const nlohmann::json& json, const Limits& limits) {
  std::vector<AddedToken> raw, normalized;
  if (component(json, "added_tokens").is_null()) return;
  for (const nlohmann::json& entry : array_member(json, "added_tokens", kWhere)) {
    AddedToken token = read_added_token(entry, kWhere + " added_tokens");
    token.id = token_id(component(entry, "id"), limits.max_vocabulary - 1,
                        kWhere + " added token " + quote(token.content));
    size_ = std::max(size_, token.id + 1);
    added_[token.id] = token;
    added_ids_[token.content] = token.id;
    if (!token.normalized) {
      raw.push_back(std::move(token));
    } else {
      if (normalizer_) normalizer_->apply(token.content);
      normalized.push_back(std::move(token));
    }
  }
  raw_added_ = AddedTokens(std::move(raw), kLibraryRules);
  normalized_added_ = AddedTokens(std::move(normalized), kLibraryRules);
}

void PipelineTokenizer::read_configuration(const nlohmann::json& json, const ModelFolder& folder) {
  const SpecialTokens special = SpecialTokens::read(folder);
  eos_ = find(special.name_of("eos_token", ""));
  pad_ = find(special.name_of("pad_token", ""));
  unk_ = model_->unk() >= 0 ? model_->unk() : find(special.name_of("unk_token", ""));
  cleans_up_ = bool_member(folder.tokenizer_config, "clean_up_tokenization_spaces", false);
  const std::string name = folder.tokenizer_class();
  is_whisper_ = name == "WhisperTokenizer" || folder.model_type() == "whisper";

  const Surroundings around = read_post_processor(component(json, "post_processor"), size_);
  template_.before = around.before;
  template_.after = around.after;
  const auto find_token = [this](const std::string& token) { return find(token); };
  set_language_template(folder, find_token, eos_, template_);
  if (name == "T5Tokenizer") read_language_tags();
}

// MADLAD's pieces <2xx>.
void PipelineTokenizer::read_language_tags() {
  for (TokenId id = 0; id < size_; ++id) {
    const std::string piece = token(id);
    if (piece.starts_with("<2") && Languages::code_of(piece) != piece)
      tags_.add(std::string(Languages::code_of(piece)), id);
  }
}

TokenId PipelineTokenizer::find(std::string_view token) const {
  if (token.empty()) return -1;
  const auto added = added_ids_.find(std::string(token));
  return added != added_ids_.end() ? added->second : model_->find(token);
}

void PipelineTokenizer::encode_stretch(std::string_view text, bool at_start,
                                       std::vector<TokenId>& ids) const {
  std::string normalized(text);
  if (normalizer_) normalizer_->apply(normalized);
  std::vector<Word> words;
  for (const AddedTokens::Stretch& stretch : normalized_added_.split(normalized)) {
    if (stretch.id >= 0) {
      ids.push_back(stretch.id);
      continue;
    }
    words.assign(1,
                 {std::string(stretch.text), at_start && stretch.text.data() == normalized.data()});
    if (pre_tokenizer_) pre_tokenizer_->apply(words);
    model_->tokenize(words, ids);
  }
}

std::vector<TokenId> PipelineTokenizer::encode(std::string_view text,
                                               const EncodeOptions& options) const {
  check_text_size(text, max_input_bytes_);
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = with_replacements(text);
  std::string tagged;
  if (!options.target_lang.empty() && !options.as_target && !tags_.empty()) {
    tagged = token(tags_.find(options.target_lang, "target language")) + ' ';
    text = tagged.append(text);
  }
  std::vector<TokenId> ids;
  for (const AddedTokens::Stretch& stretch : raw_added_.split(text)) {
    if (stretch.id >= 0) {
      ids.push_back(stretch.id);
    } else {
      encode_stretch(stretch.text, stretch.text.data() == text.data(), ids);
    }
  }
  return template_.wrap(std::move(ids), options);
}

void PipelineTokenizer::check_id(TokenId id) const {
  if (id >= 0 && id < size_) return;
  throw Error(
      ErrorCode::invalid_argument,
      "token id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(size_));
}

std::string PipelineTokenizer::token(TokenId id) const {
  check_id(id);
  const auto added = added_.find(id);
  if (added != added_.end()) return added->second.content;
  return id < model_->size() ? std::string(model_->token(id)) : std::string();
}

std::string PipelineTokenizer::decode(std::span<const TokenId> ids,
                                      bool skip_special_tokens) const {
  for (const TokenId id : ids) check_id(id);
  if (is_whisper_ && skip_special_tokens)
    ids = whisper::without_prompt(ids, find(whisper::kStartOfPrevious),
                                  find(whisper::kStartOfTranscript));
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) {
    const auto added = added_.find(id);
    if (skip_special_tokens && added != added_.end() && added->second.special) continue;
    std::string token = this->token(id);
    if (!token.empty()) tokens.push_back(std::move(token));
  }
  if (decoder_) {
    decoder_->apply(tokens);
  } else {
    for (std::size_t i = 1; i < tokens.size(); ++i) tokens[i].insert(0, 1, ' ');
  }
  std::string text;
  for (const std::string& token : tokens) text += token;
  if (is_whisper_) text = whisper::without_times(text);
  return cleans_up_ ? clean_up_spaces(std::move(text)) : text;
}

}  // namespace tandem::pipeline
