// WordPiece (Schuster and Nakajima 2012; BERT): the longest piece that a word begins with, then the
// longest that continues it. A word with a part that is no piece, or with too many characters, is
// unknown as a whole. And WordLevel: whole words only.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/byte_trie.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"
#include "text/pipeline/models.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: model";

// A model whose vocabulary is a list of strings with an unknown token among them.
class VocabularyModel : public Model {
 public:
  VocabularyModel(const nlohmann::json& json, const Limits& limits, const char* default_unk)
      : vocabulary_(read_vocabulary(json, limits)),
        unk_(vocabulary_.find(string_member(json, "unk_token", default_unk))) {
    if (unk_ < 0) throw Error(ErrorCode::corrupt, kWhere + ": the vocabulary lacks the unk_token");
  }

  TokenId find(std::string_view token) const noexcept override { return vocabulary_.find(token); }
  std::string_view token(TokenId id) const override { return vocabulary_.token(id); }
  TokenId size() const noexcept override { return vocabulary_.size(); }
  TokenId unk() const noexcept override { return unk_; }

 private:
  Vocabulary vocabulary_;
  TokenId unk_;
};

class WordLevel final : public VocabularyModel {
 public:
  WordLevel(const nlohmann::json& json, const Limits& limits)
      : VocabularyModel(json, limits, "<unk>") {}

  void tokenize(const std::vector<Word>& words, std::vector<TokenId>& ids) const override {
    for (const Word& word : words) {
      const TokenId id = find(word.text);
      ids.push_back(id >= 0 ? id : unk());
    }
  }
};

class WordPiece final : public VocabularyModel {
 public:
  WordPiece(const nlohmann::json& json, const Limits& limits)
      : VocabularyModel(json, limits, "[UNK]"),
        max_chars_(count_member(json, "max_input_chars_per_word", 100, 1 << 20, kWhere)) {
    const std::string prefix = string_member(json, "continuing_subword_prefix", "##");
    std::vector<ByteTrie::Entry> beginnings, continuations;
    for (TokenId id = 0; id < size(); ++id) {
      const std::string_view piece = token(id);
      if (!piece.empty()) beginnings.push_back({piece, id});
      if (piece.starts_with(prefix) && piece.size() > prefix.size())
        continuations.push_back({piece.substr(prefix.size()), id});
    }
    beginnings_ = ByteTrie(std::move(beginnings));
    continuations_ = ByteTrie(std::move(continuations));
  }

  void tokenize(const std::vector<Word>& words, std::vector<TokenId>& ids) const override {
    for (const Word& word : words) {
      const std::size_t before = ids.size();
      if (append_pieces(word.text, ids)) continue;
      ids.resize(before);
      ids.push_back(unk());
    }
  }

 private:
  bool append_pieces(std::string_view word, std::vector<TokenId>& ids) const {
    std::size_t chars = 0;
    for (std::size_t i = 0; i < word.size(); i += first_char(word.substr(i)).bytes)
      if (++chars > max_chars_) return false;
    for (const ByteTrie* trie = &beginnings_; !word.empty(); trie = &continuations_) {
      const ByteTrie::Match match = trie->longest_prefix(word);
      if (match.length == 0) return false;
      ids.push_back(match.value);
      word.remove_prefix(match.length);
    }
    return true;
  }

  ByteTrie beginnings_, continuations_;
  std::size_t max_chars_;
};

}  // namespace

std::unique_ptr<const Model> make_word_piece_model(const nlohmann::json& json,
                                                   const Limits& limits) {
  return std::make_unique<WordPiece>(json, limits);
}

std::unique_ptr<const Model> make_word_level_model(const nlohmann::json& json,
                                                   const Limits& limits) {
  return std::make_unique<WordLevel>(json, limits);
}

}  // namespace tandem::pipeline
