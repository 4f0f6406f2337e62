#include "text/pipeline/models.h"

#include <cstdint>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: model";

// Files from before the library's version 0.10 name no type; their members tell.
std::string kind_of(const nlohmann::json& json) {
  if (json.is_object() && !json.contains("type")) {
    if (json.contains("merges")) return "BPE";
    if (json.contains("max_input_chars_per_word")) return "WordPiece";
    if (json.contains("vocab") && json["vocab"].is_array()) return "Unigram";
  }
  return type_of(json, kWhere);
}

}  // namespace

std::unique_ptr<const Model> make_model(const nlohmann::json& json, const Limits& limits) {
  const std::string type = kind_of(json);
  if (type == "BPE") return make_bpe_model(json, limits);
  if (type == "Unigram") return make_unigram_model(json, limits);
  if (type == "WordPiece") return make_word_piece_model(json, limits);
  if (type == "WordLevel") return make_word_level_model(json, limits);
  fail_unknown(kWhere, type);
}

Vocabulary read_vocabulary(const nlohmann::json& model, const Limits& limits) {
  std::vector<std::pair<std::string, std::int64_t>> entries;
  for (const auto& [token, id] : object_member(model, "vocab", kWhere).items())
    entries.emplace_back(
        token, token_id(id, limits.max_vocabulary - 1, kWhere + " vocab " + quote(token)));
  return Vocabulary::from_entries(std::move(entries), kWhere + " vocab", limits);
}

}  // namespace tandem::pipeline
