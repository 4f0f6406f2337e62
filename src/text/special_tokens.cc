#include "text/special_tokens.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/json_file.h"

namespace tandem {
namespace {

constexpr const char* kNamed[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

// A token is its string, or an object with the string as "content"; nothing if it is null.
std::optional<std::string> content_of(const nlohmann::json& token, const std::string& where) {
  if (token.is_string()) return token.get<std::string>();
  if (token.is_object()) return string_member(token, "content", "");
  if (token.is_null()) return std::nullopt;
  throw Error(ErrorCode::corrupt, where + ": a token was expected, found " + token.type_name());
}

TokenId parse_id(std::string_view text, std::int64_t most, const std::string& where) {
  TokenId id = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || stop != text.data() + text.size() || id < 0 || id > most)
    throw Error(ErrorCode::corrupt,
                where + ": " + quote(text) + " is no token id from 0 to " + std::to_string(most));
  return id;
}

void read_named(const nlohmann::json& json, const std::string& where, SpecialTokens& tokens) {
  for (const char* key : kNamed) {
    const auto member = json.find(key);
    if (member == json.end()) continue;
    if (auto content = content_of(*member, where + " " + key))
      tokens.named.emplace(key, std::move(*content));
  }
  // Version 5 of transformers writes the list under another key.
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto list = json.find(key);
    if (tokens.additional || list == json.end() || !list->is_array()) continue;
    tokens.additional.emplace();
    for (const nlohmann::json& token : *list)
      if (auto content = content_of(token, where + " " + key))
        tokens.additional->push_back(std::move(*content));
  }
}

// added_tokens.json: an object of string to id, without any properties.
void read_added_file(const ModelFolder& folder, SpecialTokens& tokens) {
  const std::string path = folder.at("added_tokens.json");
  const nlohmann::json object = read_json_object(path, folder.limits);
  for (const auto& [content, id] : object.items()) {
    if (!id.is_number_unsigned() ||
        id.get<std::uint64_t>() >= static_cast<std::uint64_t>(folder.limits.max_vocabulary))
      throw Error(ErrorCode::corrupt, path + ": " + quote(content) + ": a token id was expected");
    AddedToken token;
    token.content = content;
    token.id = id.get<TokenId>();
    tokens.added.push_back(std::move(token));
  }
}

}  // namespace

AddedToken read_added_token(const nlohmann::json& entry, const std::string& where) {
  AddedToken token;
  if (entry.is_string()) {
    token.content = entry.get<std::string>();
    return token;
  }
  if (!entry.is_object() || !entry.contains("content"))
    throw Error(ErrorCode::corrupt, where + ": an added token was expected");
  token.content = string_member(entry, "content", "");
  token.single_word = bool_member(entry, "single_word", false);
  token.lstrip = bool_member(entry, "lstrip", false);
  token.rstrip = bool_member(entry, "rstrip", false);
  token.special = bool_member(entry, "special", false);
  token.normalized = bool_member(entry, "normalized", !token.special);
  return token;
}

SpecialTokens SpecialTokens::read(const ModelFolder& folder) {
  SpecialTokens tokens;
  const std::string where = folder.at("tokenizer_config.json");
  read_named(folder.tokenizer_config, where, tokens);
  const auto decoder = folder.tokenizer_config.find("added_tokens_decoder");
  if (decoder != folder.tokenizer_config.end() && !decoder->is_null()) {
    if (!decoder->is_object())
      throw Error(
          ErrorCode::corrupt,
          where + ": 'added_tokens_decoder' should be an object, found " + decoder->type_name());
    for (const auto& [id, entry] : decoder->items()) {
      tokens.added.push_back(read_added_token(entry, where + " added_tokens_decoder"));
      tokens.added.back().id = parse_id(id, folder.limits.max_vocabulary - 1, where);
    }
  } else if (folder.has("added_tokens.json")) {
    read_added_file(folder, tokens);
  }
  if (folder.has("special_tokens_map.json"))
    read_named(read_json_object(folder.at("special_tokens_map.json"), folder.limits),
               folder.at("special_tokens_map.json"), tokens);
  std::sort(tokens.added.begin(), tokens.added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return tokens;
}

std::string SpecialTokens::name_of(const std::string& key, const std::string& fallback) const {
  const auto token = named.find(key);
  return token == named.end() ? fallback : token->second;
}

}  // namespace tandem
