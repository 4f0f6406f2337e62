#include "text/families/ctranslate2_tokenizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "base/token_list.h"
#include "text/json_file.h"
#include "text/tokenizer_kinds.h"

namespace tandem {
namespace {

using Side = CTranslate2Tokenizer::Side;

std::vector<std::string> read_tokens(const ModelFolder& folder, const std::string& name,
                                     const std::string& unknown) {
  const std::string path = folder.at(name);
  std::vector<std::string> tokens;
  if (name.ends_with(".json"))
    tokens = read_json_strings(path, folder.limits);
  else
    tokens = split_token_lines(read_file(path, folder.limits.max_tokenizer_bytes, "vocabulary"));
  ensure_unknown_token(tokens, unknown);
  return tokens;
}

// SentencePiece models of source and target; empty names: there are none.
TokenListNames find_pieces(const ModelFolder& folder) {
  constexpr std::array kPairs{std::pair{"source.spm", "target.spm"},
                              std::pair{"source.model", "target.model"}};
  constexpr std::array kSingles{"sentencepiece.bpe.model", "spiece.model", "sentencepiece.model",
                                "spm.model"};
  for (const auto& [source, target] : kPairs)
    if (folder.has(source) && folder.has(target)) return {source, target};
  for (const char* name : kSingles)
    if (folder.has(name)) return {name, name};
  return {};
}

// A tokenizer of another kind; null where there is none or one of its files is missing.
std::shared_ptr<const Tokenizer> find_inner(const ModelFolder& folder) {
  try {
    return find_tokenizer(folder);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return nullptr;
    throw;
  }
}

}  // namespace

TokenId CTranslate2Tokenizer::Index::find(std::string_view token) const {
  const auto found = ids.find(token);
  return found == ids.end() ? unknown : found->second;
}

CTranslate2Tokenizer::CTranslate2Tokenizer(Parts parts)
    : marks_(std::move(parts.marks)),
      name_(std::move(parts.name)),
      source_(index(parts.source)),
      target_(index(parts.target)),
      inner_(std::move(parts.inner)) {
  if (target_.eos < 0)
    throw Error(ErrorCode::corrupt,
                name_ + ": the target vocabulary has no end token " + quote(marks_.eos));
  for (TokenId id = 0; inner_ != nullptr && id < inner_->vocabulary_size(); ++id)
    inner_ids_.emplace(inner_->token(id), id);
}

CTranslate2Tokenizer::Index CTranslate2Tokenizer::index(
    const std::shared_ptr<const Side>& side) const {
  Index index{side, {}, -1, -1, -1};
  for (std::size_t id = 0; id < side->tokens.size(); ++id)
    index.ids.emplace(side->tokens[id], static_cast<TokenId>(id));
  index.unknown = index.find(marks_.unknown);
  if (index.unknown < 0)
    throw Error(ErrorCode::corrupt,
                name_ + ": a vocabulary has no unknown token " + quote(marks_.unknown));
  const auto find_exactly = [&](const std::string& token) {
    const auto found = index.ids.find(token);
    return found == index.ids.end() ? -1 : found->second;
  };
  index.bos = find_exactly(marks_.bos);
  index.eos = find_exactly(marks_.eos);
  return index;
}

void CTranslate2Tokenizer::append_tokens(const Index& side, std::string_view text,
                                         const EncodeOptions& options,
                                         std::vector<TokenId>& ids) const {
  if (inner_ != nullptr) {
    for (const TokenId id : inner_->encode(text, options))
      ids.push_back(side.find(options.as_target ? inner_->token(id) : inner_->source_token(id)));
  } else if (const SentencePiece* pieces = side.side->pieces.get()) {
    const SentencePiece::Encoding encoding = pieces->encode_pieces(text);
    for (const Segment& piece : encoding.pieces)
      ids.push_back(side.find(pieces->surface(encoding, piece)));
  } else {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' '), text.size());
      if (end > 0) ids.push_back(side.find(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
}

std::vector<TokenId> CTranslate2Tokenizer::encode(std::string_view text,
                                                  const EncodeOptions& options) const {
  const Index& side = options.as_target ? target_ : source_;
  std::vector<TokenId> ids;
  if (!options.as_target && marks_.add_source_bos && side.bos >= 0) ids.push_back(side.bos);
  append_tokens(side, text, options, ids);
  const bool ends = options.as_target || marks_.add_source_eos;
  const bool has_end = !ids.empty() && ids.back() == side.eos;
  if (ends && !has_end && side.eos >= 0) ids.push_back(side.eos);
  return ids;
}

std::string CTranslate2Tokenizer::decode(std::span<const TokenId> ids,
                                         bool skip_special_tokens) const {
  std::vector<std::string_view> tokens;
  for (const TokenId id : ids) {
    if (id < 0 || id >= static_cast<TokenId>(target_.side->tokens.size()))
      throw Error(ErrorCode::invalid_argument, "token id " + std::to_string(id) +
                                                   " is outside the vocabulary of " +
                                                   std::to_string(target_.side->tokens.size()));
    if (skip_special_tokens && (id == target_.bos || id == target_.eos)) continue;
    tokens.emplace_back(target_.side->tokens[static_cast<std::size_t>(id)]);
  }
  return join(tokens, skip_special_tokens);
}

std::string CTranslate2Tokenizer::join(std::span<const std::string_view> tokens,
                                       bool skip_special_tokens) const {
  if (inner_ != nullptr) {
    std::vector<TokenId> ids;
    for (const std::string_view token : tokens) {
      const auto found = inner_ids_.find(std::string(token));
      if (found != inner_ids_.end()) ids.push_back(found->second);
    }
    return inner_->decode(ids, skip_special_tokens);
  }
  if (target_.side->pieces != nullptr) return target_.side->pieces->decode_pieces(tokens);
  std::string text;
  for (const std::string_view token : tokens) {
    if (!text.empty()) text += ' ';
    text += token;
  }
  return text;
}

std::string CTranslate2Tokenizer::token(TokenId id) const {
  const auto& tokens = target_.side->tokens;
  return id >= 0 && id < static_cast<TokenId>(tokens.size()) ? tokens[static_cast<std::size_t>(id)]
                                                             : source_token(id);
}

std::string CTranslate2Tokenizer::source_token(TokenId id) const {
  const auto& tokens = source_.side->tokens;
  if (id >= 0 && id < static_cast<TokenId>(tokens.size()))
    return tokens[static_cast<std::size_t>(id)];
  throw Error(ErrorCode::invalid_argument, "token id " + std::to_string(id) +
                                               " is outside the vocabulary of " +
                                               std::to_string(tokens.size()));
}

LanguageMark CTranslate2Tokenizer::target_language(std::string_view language) const {
  LanguageMark mark = inner_ != nullptr ? inner_->target_language(language) : LanguageMark{};
  if (mark.token >= 0) mark.token = target_.find(inner_->token(mark.token));
  return mark;
}

TokenId CTranslate2Tokenizer::vocabulary_size() const {
  return static_cast<TokenId>(std::max(source_.side->tokens.size(), target_.side->tokens.size()));
}

bool holds_ctranslate2_model(const ModelFolder& folder) {
  return (folder.has("model.bin") || folder.has("packed.safetensors")) &&
         find_token_lists(folder.files).has_value();
}

CTranslate2Marks ctranslate2_marks(const ModelFolder& folder) {
  CTranslate2Marks marks;
  marks.unknown = string_member(folder.config, "unk_token", marks.unknown);
  marks.bos = string_member(folder.config, "bos_token", marks.bos);
  marks.eos = string_member(folder.config, "eos_token", marks.eos);
  marks.add_source_bos = bool_member(folder.config, "add_source_bos", false);
  marks.add_source_eos = bool_member(folder.config, "add_source_eos", false);
  return marks;
}

std::shared_ptr<const Tokenizer> load_ctranslate2_tokenizer(const ModelFolder& folder,
                                                            CTranslate2Marks marks) {
  const TokenListNames lists = *find_token_lists(folder.files);
  CTranslate2Tokenizer::Parts parts;
  parts.name = folder.path;
  parts.inner = find_inner(folder);
  const TokenListNames pieces = parts.inner == nullptr ? find_pieces(folder) : TokenListNames{};
  const auto load_side = [&](const std::string& tokens, const std::string& model) {
    return std::make_shared<const Side>(Side{read_tokens(folder, tokens, marks.unknown),
                                             model.empty() ? nullptr : folder.pieces(model)});
  };
  parts.source = load_side(lists.source, pieces.source);
  parts.target = lists.source == lists.target && pieces.source == pieces.target
                     ? parts.source
                     : load_side(lists.target, pieces.target);
  // The pieces of these models come without the end that they were trained with.
  if (!pieces.source.empty() && folder.tokenizer_class() == "MarianTokenizer")
    marks.add_source_eos = true;
  parts.marks = std::move(marks);
  return std::make_shared<const CTranslate2Tokenizer>(std::move(parts));
}

}  // namespace tandem
