#include "text/pipeline/post_processor.h"

#include <string>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: post_processor";

// ["</s>", 2]
TokenId read_pair(const nlohmann::json& json, const char* key, TokenId vocabulary_size) {
  const nlohmann::json& pair = array_member(json, key, kWhere);
  if (pair.size() != 2)
    throw Error(ErrorCode::corrupt, kWhere + ": '" + key + "' must be a token and its id");
  return token_id(pair[1], vocabulary_size - 1, kWhere + " " + key);
}

// Appends the ids that the template's table has for a special token.
void append_special(const nlohmann::json& json, const nlohmann::json& piece,
                    TokenId vocabulary_size, std::vector<TokenId>& ids) {
  const std::string name = string_member(piece, "id", "");
  const nlohmann::json& table = object_member(json, "special_tokens", kWhere);
  if (!table.contains(name))
    throw Error(ErrorCode::corrupt, kWhere + ": the template names " + quote(name) +
                                        ", which is not among its special_tokens");
  for (const nlohmann::json& id : array_member(table[name], "ids", kWhere))
    ids.push_back(token_id(id, vocabulary_size - 1, kWhere + " " + quote(name)));
}

Surroundings read_template(const nlohmann::json& json, TokenId vocabulary_size) {
  Surroundings around;
  int texts = 0;
  for (const nlohmann::json& piece : array_member(json, "single", kWhere)) {
    if (piece.is_object() && piece.contains("Sequence")) {
      ++texts;
    } else if (piece.is_object() && piece.contains("SpecialToken")) {
      append_special(json, piece["SpecialToken"], vocabulary_size,
                     texts == 0 ? around.before : around.after);
    } else {
      throw Error(ErrorCode::corrupt, kWhere +
                                          ": a part of the template is neither a Sequence nor "
                                          "a SpecialToken");
    }
  }
  if (texts != 1)
    throw Error(ErrorCode::unsupported, kWhere + ": the template has the text " +
                                            std::to_string(texts) + " times, not once");
  return around;
}

}  // namespace

Surroundings read_post_processor(const nlohmann::json& json, TokenId vocabulary_size) {
  if (json.is_null()) return {};
  const std::string type = type_of(json, kWhere);
  if (type == "ByteLevel") return {};
  if (type == "TemplateProcessing") return read_template(json, vocabulary_size);
  if (type == "BertProcessing" || type == "RobertaProcessing")
    return {{read_pair(json, "cls", vocabulary_size)}, {read_pair(json, "sep", vocabulary_size)}};
  if (type != "Sequence") fail_unknown(kWhere, type);
  Surroundings all;
  for (const nlohmann::json& step : array_member(json, "processors", kWhere)) {
    Surroundings outer = read_post_processor(step, vocabulary_size);
    outer.before.insert(outer.before.end(), all.before.begin(), all.before.end());
    all.after.insert(all.after.end(), outer.after.begin(), outer.after.end());
    all.before = std::move(outer.before);
  }
  return all;
}

}  // namespace tandem::pipeline
