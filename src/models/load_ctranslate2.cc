#include "models/load_ctranslate2.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "base/token_list.h"
#include "models/families/ctranslate2.h"
#include "models/readers/json_file.h"

namespace tandem {
namespace {

constexpr const char* kModel = "model.bin";
constexpr const char* kConfig = "config.json";
constexpr const char* kMap = "vmap.txt";
constexpr std::uint32_t kFirstWithConfig = 6;

// A list of strings, by the file's ending JSON or lines.
std::vector<std::string> read_tokens(const std::string& path, const std::string& unknown,
                                     const Limits& limits) {
  const std::string text = read_file(path, limits.max_tokenizer_bytes, "vocabulary");
  std::vector<std::string> tokens;
  if (path.ends_with(".json")) {
    const nlohmann::json list = parse_json(text, path, limits.max_json_depth);
    if (!list.is_array())
      throw Error(ErrorCode::corrupt, path + ": expected a JSON list of tokens");
    for (const nlohmann::json& token : list) {
      if (!token.is_string())
        throw Error(ErrorCode::corrupt, path + ": entry " + std::to_string(tokens.size()) +
                                            " is no string; expected a token");
      tokens.push_back(token.get<std::string>());
    }
  } else {
    tokens = split_token_lines(text);
  }
  ensure_unknown_token(tokens, unknown);
  return tokens;
}

CTranslate2Facts read_config(const std::string& path, const Limits& limits) {
  const JsonObject config = JsonObject::read(path, limits.max_config_bytes, limits.max_json_depth);
  if (config.has("quantization_type") && config.integer("quantization_type", 0, 255) != 0)
    throw Error(ErrorCode::unsupported, path + ": quantization_type asks for 4-bit weights (AWQ)");
  CTranslate2Facts facts;
  facts.source = kConfig;
  facts.unknown = config.string("unk_token").value_or(facts.unknown);
  facts.bos = config.string("bos_token").value_or(facts.bos);
  facts.eos = config.string("eos_token").value_or(facts.eos);
  facts.decoder_start = config.string("decoder_start_token");
  facts.add_source_bos = config.boolean("add_source_bos").value_or(false);
  facts.add_source_eos = config.boolean("add_source_eos").value_or(false);
  facts.norm_epsilon = config.number("layer_norm_epsilon");
  return facts;
}

TokenId find_token(const std::vector<std::string>& tokens, const std::string& token) {
  const auto found = std::find(tokens.begin(), tokens.end(), token);
  return found == tokens.end() ? -1 : static_cast<TokenId>(found - tokens.begin());
}

// A vocabulary may be smaller than the table, which is sometimes padded.
void check_size(const std::string& path, std::size_t tokens, std::int64_t rows) {
  if (static_cast<std::int64_t>(tokens) <= rows) return;
  throw Error(ErrorCode::corrupt, path + ": has " + std::to_string(tokens) +
                                      " tokens; the model's table has " + std::to_string(rows));
}

void name_tokens(const std::string& path, const std::vector<std::string>& target,
                 const CTranslate2Facts& facts, ModelSpec& spec) {
  spec.unknown_token = find_token(target, facts.unknown);
  const TokenId eos = find_token(target, facts.eos);
  if (eos < 0)
    throw Error(ErrorCode::corrupt, path + ": the end token " + quote(facts.eos) + " is missing");
  spec.eos_tokens = {eos};
  for (const char* field : {"unknown_token", "eos_tokens", "decoder_start_token"})
    spec.sources[field] = facts.source;
  if (spec.start == StartToken::zero_vector || !facts.decoder_start) return;
  spec.decoder_start_token = find_token(target, *facts.decoder_start);
  if (spec.decoder_start_token < 0)
    throw Error(ErrorCode::corrupt, path + ": the decoder's start token " +
                                        quote(*facts.decoder_start) + " is missing");
}

}  // namespace

bool holds_ctranslate2_model(const std::vector<std::string>& names) {
  const auto has = [&](const char* name) {
    return std::binary_search(names.begin(), names.end(), name);
  };
  // Models of another kind, such as Whisper, have a single vocabulary and are refused by their
  // name.
  return has(kModel) &&
         (find_token_lists(names).has_value() || has("vocabulary.json") || has("vocabulary.txt"));
}

void load_vocabulary_map(const std::string& directory, const std::vector<std::string>& names,
                         const Limits& limits, LoadedModel& model) {
  const std::optional<TokenListNames> lists = find_token_lists(names);
  if (!lists || !std::binary_search(names.begin(), names.end(), kMap)) return;
  using Ids = std::unordered_map<std::string, TokenId>;
  const CTranslate2Texts& texts = model.ctranslate2;
  const auto ids_of = [&](const std::string& name) {
    const std::vector<std::string> tokens =
        read_tokens(join_path(directory, name), texts.unknown, limits);
    Ids ids;  // the first of equal tokens
    for (std::size_t id = 0; id < tokens.size(); ++id)
      ids.emplace(tokens[id], static_cast<TokenId>(id));
    return ids;
  };
  const auto find = [](const Ids& ids, std::string_view token, TokenId otherwise) {
    const auto found = ids.find(std::string(token));
    return found == ids.end() ? otherwise : found->second;
  };
  const Ids source = ids_of(lists->source), target = ids_of(lists->target);
  const TokenId unknown = target.at(texts.unknown);
  VocabularyMap::Tokens tokens;
  tokens.source_id = [&](std::string_view token) { return find(source, token, -1); };
  tokens.target_id = [&](std::string_view token) { return find(target, token, unknown); };
  tokens.always = {unknown, tokens.target_id(texts.bos), tokens.target_id(texts.eos)};
  model.vocabulary_map = std::make_shared<const VocabularyMap>(
      VocabularyMap::read(join_path(directory, kMap), limits, tokens));
}

ModelFiles read_ctranslate2_directory(const std::string& directory,
                                      const std::vector<std::string>& names, const Limits& limits,
                                      ComputeType type) {
  const std::string path = join_path(directory, kModel);
  CTranslate2ModelFile file = read_ctranslate2_model(path, limits);
  ModelFiles result;
  LoadedModel& loaded = result.about;
  loaded.format = ModelFormat::ctranslate2;
  loaded.files = {path};
  for (const auto& [name, tensor] : file.variables)
    loaded.tensors.push_back(
        {name, std::string(to_string(tensor.dtype())), tensor.shape().to_string(), std::nullopt});
  CTranslate2Variables variables(std::move(file));
  const bool has_config = variables.version() >= kFirstWithConfig;
  if (has_config) loaded.files.push_back(join_path(directory, kConfig));
  const CTranslate2Facts facts =
      has_config ? read_config(loaded.files.back(), limits) : read_ctranslate2_facts(variables);

  result.model = load_ctranslate2(variables, facts, limits);
  ModelSpec& spec = result.model.spec;
  variables.check_all_used();
  const std::optional<TokenListNames> lists = find_token_lists(names);
  if (!lists)
    throw Error(ErrorCode::not_found,
                directory +
                    ": expected shared_vocabulary.json or .txt, or source_vocabulary and "
                    "target_vocabulary");
  const std::string source_path = join_path(directory, lists->source);
  const std::string target_path = join_path(directory, lists->target);
  check_size(source_path, read_tokens(source_path, facts.unknown, limits).size(),
             spec.source_vocabulary);
  const std::vector<std::string> target = read_tokens(target_path, facts.unknown, limits);
  check_size(target_path, target.size(), spec.target_vocabulary);
  name_tokens(target_path, target, facts, spec);

  loaded.shared_vocabulary = source_path == target_path;
  loaded.vocabularies = {source_path, target_path};
  loaded.ctranslate2 = {facts.unknown, facts.bos, facts.eos, facts.add_source_bos,
                        facts.add_source_eos};
  load_vocabulary_map(directory, names, limits, loaded);
  result.type = resolve_compute_type(type, variables.weights());
  return result;
}

}  // namespace tandem
