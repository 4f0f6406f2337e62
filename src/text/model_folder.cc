#include "text/model_folder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/file_io.h"
#include "text/json_file.h"

namespace tandem {
namespace {

// Source: transformers 4.57.6, models/auto/tokenization_auto.py.
constexpr std::pair<std::string_view, std::string_view> kClasses[] = {
    {"bart", "BartTokenizer"},
    {"longt5", "T5Tokenizer"},
    {"m2m_100", "M2M100Tokenizer"},
    {"marian", "MarianTokenizer"},
    {"mbart", "MBartTokenizer"},
    {"mt5", "T5Tokenizer"},
    {"nllb-moe", "NllbTokenizer"},
    {"pegasus", "PegasusTokenizer"},
    {"pegasus_x", "PegasusTokenizer"},
    {"switch_transformers", "T5Tokenizer"},
    {"t5", "T5Tokenizer"},
    {"umt5", "T5Tokenizer"},
    {"whisper", "WhisperTokenizer"}};

}  // namespace

ModelFolder::ModelFolder(const std::string& directory, const Limits& bounds)
    : path(directory), files(list_directory(directory)), limits(bounds) {
  std::sort(files.begin(), files.end());
  if (has("config.json")) config = read_json_object(at("config.json"), limits);
  if (has("tokenizer_config.json"))
    tokenizer_config = read_json_object(at("tokenizer_config.json"), limits);
}

bool ModelFolder::has(const std::string& name) const {
  return std::binary_search(files.begin(), files.end(), name);
}

std::string ModelFolder::at(const std::string& name) const {
  return join_path(path, name);
}

std::vector<std::string> ModelFolder::ending_with(std::string_view suffix) const {
  std::vector<std::string> found;
  std::copy_if(files.begin(), files.end(), std::back_inserter(found),
               [&](const std::string& name) { return name.ends_with(suffix); });
  return found;
}

std::string ModelFolder::model_type() const {
  return string_member(config, "model_type", "");
}

std::string ModelFolder::tokenizer_class() const {
  constexpr std::string_view kFast = "Fast";
  std::string name = string_member(tokenizer_config, "tokenizer_class",
                                   string_member(config, "tokenizer_class", ""));
  if (name.ends_with(kFast)) name.resize(name.size() - kFast.size());
  if (name == "MT5Tokenizer") return "T5Tokenizer";
  if (!name.empty()) return name;
  const std::string type = model_type();
  for (const auto& [model, tokenizer] : kClasses)
    if (type == model) return std::string(tokenizer);
  return {};
}

std::shared_ptr<const SentencePiece> ModelFolder::pieces(const std::string& name) const {
  return SentencePiece::load(at(name), limits);
}

std::shared_ptr<const Vocabulary> ModelFolder::vocabulary(const std::string& name) const {
  return std::make_shared<const Vocabulary>(Vocabulary::load(at(name), limits));
}

}  // namespace tandem
