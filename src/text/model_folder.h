// A model directory as the kinds of tokenizers see it: its files' names and its two configurations.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/options.h>

#include "text/sentencepiece.h"
#include "text/vocabulary.h"

namespace tandem {

struct ModelFolder {
  std::string path;
  std::vector<std::string> files;  // names, sorted
  Limits limits;
  nlohmann::json config = nlohmann::json::object();            // config.json, if it is there
  nlohmann::json tokenizer_config = nlohmann::json::object();  // tokenizer_config.json

  // Throws what list_directory and read_json_object throw.
  ModelFolder(const std::string& directory, const Limits& bounds);

  bool has(const std::string& name) const;
  std::string at(const std::string& name) const;
  std::vector<std::string> ending_with(std::string_view suffix) const;

  std::string model_type() const;  // of config.json; may be empty
  // Of tokenizer_config.json or config.json, without the "Fast" of transformers; else what
  // transformers takes for the model type; may be empty.
  std::string tokenizer_class() const;

  std::shared_ptr<const SentencePiece> pieces(const std::string& name) const;
  std::shared_ptr<const Vocabulary> vocabulary(const std::string& name) const;
};

}  // namespace tandem
