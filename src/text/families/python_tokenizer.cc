#include "text/families/python_tokenizer.h"

#include <algorithm>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/families/language_lists.h"
#include "text/text_limit.h"

namespace tandem {

void PythonTokenizer::Parts::add_special(const SpecialTokens& special,
                                         std::span<const Named> named_tokens, bool mask_lstrip) {
  const auto add = [this](const std::string& content, bool lstrip) {
    const bool known = std::any_of(added.begin(), added.end(), [&](const AddedToken& token) {
      return token.content == content;
    });
    if (content.empty() || known) return;
    AddedToken token;
    token.content = content;
    token.lstrip = lstrip;
    token.special = true;
    added.push_back(std::move(token));
  };
  for (const auto& [key, fallback] : named_tokens) {
    const std::string content = special.name_of(key, fallback);
    if (content.empty()) continue;
    named.push_back(content);
    add(content, mask_lstrip && std::string_view(key) == "mask_token");
  }
  for (const std::string& content : additional) add(content, /*lstrip=*/false);
  eos = special.name_of("eos_token", "</s>");
  pad = special.name_of("pad_token", "<pad>");
  unk = special.name_of("unk_token", "<unk>");
}

PythonTokenizer::PythonTokenizer(Parts parts, const ModelFolder& folder)
    : tokens_(std::move(parts.tokens)), max_input_bytes_(folder.limits.max_input_bytes) {
  const auto base_size =
      static_cast<TokenId>(parts.base_size > 0 ? parts.base_size : tokens_.size());
  for (std::size_t id = 0; id < tokens_.size(); ++id)
    if (!tokens_[id].empty()) ids_.emplace(tokens_[id], static_cast<TokenId>(id));
  place_added(parts.added, folder.limits);
  set_roles(parts, base_size);
  added_ = AddedTokens(std::move(parts.added), kPythonRules);

  eos_ = find(parts.eos);
  pad_ = find(parts.pad);
  unk_ = find(parts.unk);
  template_.before = ids_of(parts.before);
  template_.after = ids_of(parts.after);
  template_.ends_once = parts.ends_once;
  const auto find_token = [this](const std::string& token) { return find(token); };
  set_language_template(folder, find_token, eos_, template_);
}

void PythonTokenizer::place_added(std::vector<AddedToken>& added, const Limits& limits) {
  for (AddedToken& token : added) {
    if (token.id < 0) {
      const TokenId known = find(token.content);
      token.id = known >= 0 ? known : static_cast<TokenId>(tokens_.size());
    }
    const auto index = static_cast<std::size_t>(token.id);
    // A few tokens must not claim the memory of millions.
    constexpr std::size_t kMostHoles = 1 << 16;
    if (token.id >= limits.max_vocabulary || index > tokens_.size() + kMostHoles)
      throw Error(ErrorCode::corrupt, "added token " + quote(token.content) + " has id " +
                                          std::to_string(token.id) + " behind a vocabulary of " +
                                          std::to_string(tokens_.size()));
    if (index >= tokens_.size()) tokens_.resize(index + 1);
    tokens_[index] = token.content;
    ids_[token.content] = token.id;
  }
}

void PythonTokenizer::set_roles(const Parts& parts, TokenId base_size) {
  roles_.resize(tokens_.size());
  const auto role = [this](const std::string& token) -> std::uint8_t* {
    const TokenId id = find(token);
    return id < 0 ? nullptr : &roles_[static_cast<std::size_t>(id)];
  };
  for (const std::string& token : parts.named)
    if (std::uint8_t* roles = role(token)) *roles |= kSpecial;
  for (const std::string& token : parts.additional)
    if (std::uint8_t* roles = role(token))
      *roles |= kSpecial | (find(token) >= base_size ? kSeparate : 0);
  for (const AddedToken& token : parts.added) {
    std::uint8_t& roles = roles_[static_cast<std::size_t>(token.id)];
    roles |= kAdded;
    if (parts.separates_all_added || (roles & kSpecial) == 0) roles |= kSeparate;
  }
}

std::vector<TokenId> PythonTokenizer::ids_of(const std::vector<std::string>& tokens) const {
  std::vector<TokenId> ids;
  for (const std::string& token : tokens) {
    ids.push_back(find(token));
    if (ids.back() < 0)
      throw Error(ErrorCode::corrupt, "the vocabulary lacks the token " + quote(token));
  }
  return ids;
}

TokenId PythonTokenizer::find(std::string_view token) const {
  const auto entry = ids_.find(std::string(token));
  return entry == ids_.end() ? -1 : entry->second;
}

void PythonTokenizer::check_ids(std::span<const TokenId> ids) const {
  for (const TokenId id : ids)
    if (id < 0 || id >= vocabulary_size())
      throw Error(ErrorCode::invalid_argument, "token id " + std::to_string(id) +
                                                   " is outside the vocabulary of " +
                                                   std::to_string(vocabulary_size()));
}

std::string PythonTokenizer::token(TokenId id) const {
  check_ids({&id, 1});
  return std::string(token_text(id));
}

std::vector<TokenId> PythonTokenizer::encode(std::string_view text,
                                             const EncodeOptions& options) const {
  check_text_size(text, max_input_bytes_);
  std::string repaired;
  if (!is_valid_utf8(text)) text = repaired = with_replacements(text);
  const std::string prepared = prepare(text);
  std::vector<TokenId> ids;
  for (const AddedTokens::Stretch& stretch : added_.split(prepared)) {
    if (stretch.id >= 0) {
      append_added(stretch.id, ids);
    } else {
      encode_stretch(stretch.text, ids);
    }
  }
  return template_.wrap(std::move(ids), options);
}

std::string PythonTokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  check_ids(ids);
  std::string text;
  std::vector<TokenId> run;
  bool first = true;
  const auto add_part = [&](std::string_view part) {
    if (!std::exchange(first, false)) text += part_separator();
    text += part;
  };
  for (const TokenId id : ids) {
    if (skip_special_tokens && is_special(id)) continue;
    if (!has(id, kSeparate)) {
      run.push_back(id);
      continue;
    }
    if (const std::string part = join(std::exchange(run, {})); !part.empty()) add_part(part);
    add_part(token_text(id));
  }
  if (!run.empty()) add_part(join(run));
  return text;
}

}  // namespace tandem
