// The third step of a tokenizer.json: words to ids.
//
// Kinds: BPE (bpe_model.cc), Unigram (unigram_model.cc), WordPiece and WordLevel (word_models.cc).
// Another kind is Error{unsupported} with its name. BPE's `dropout` is for training and not
// applied. Cost: see each; all are linear, BPE n log n in the length of a word. Source: behaviour
// of the tokenizers library 0.23.3 (models/*).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/constraint.h>
#include <tandem/options.h>

#include "text/pipeline/pre_tokenizers.h"
#include "text/vocabulary.h"

namespace tandem::pipeline {

// Immutable and thread-safe.
class Model {
 public:
  virtual ~Model() = default;
  // Appends the ids of the words.
  virtual void tokenize(const std::vector<Word>& words, std::vector<TokenId>& ids) const = 0;

  virtual TokenId find(std::string_view token) const noexcept = 0;  // -1: not in the vocabulary
  // `id` is at least 0 and below size(); empty where the file leaves the id out.
  virtual std::string_view token(TokenId id) const = 0;
  virtual TokenId size() const noexcept = 0;  // one more than the highest id
  virtual TokenId unk() const noexcept = 0;   // -1: none
};

// Throws Error: corrupt, unsupported, resource_exhausted.
std::unique_ptr<const Model> make_model(const nlohmann::json& json, const Limits& limits);

// Makers of the single kinds, called by make_model.
std::unique_ptr<const Model> make_bpe_model(const nlohmann::json& json, const Limits& limits);
std::unique_ptr<const Model> make_unigram_model(const nlohmann::json& json, const Limits& limits);
std::unique_ptr<const Model> make_word_piece_model(const nlohmann::json& json,
                                                   const Limits& limits);
std::unique_ptr<const Model> make_word_level_model(const nlohmann::json& json,
                                                   const Limits& limits);

// The "vocab" of a model whose file gives it as an object of string to id.
Vocabulary read_vocabulary(const nlohmann::json& model, const Limits& limits);

}  // namespace tandem::pipeline
