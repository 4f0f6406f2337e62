// Byte-pair encoding with a list of merges, over characters or, behind ByteLevel, over bytes.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/json_file.h"
#include "text/pair_merges.h"
#include "text/pipeline/component.h"
#include "text/pipeline/models.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: BPE model";

// The piece of a byte in vocabularies with byte fallback.
std::string byte_piece(unsigned byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + '>';
}

// "left right", or since version 0.20 of the library ["left", "right"].
std::pair<std::string_view, std::string_view> read_merge(const nlohmann::json& merge) {
  if (merge.is_string()) {
    const std::string_view text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos)
      return {text.substr(0, space), text.substr(space + 1)};
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string()) {
    return {merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>()};
  }
  throw Error(ErrorCode::corrupt, kWhere + ": a merge must be two strings");
}

class BpeModel final : public Model {
 public:
  BpeModel(const nlohmann::json& json, const Limits& limits)
      : vocabulary_(read_vocabulary(json, limits)),
        prefix_(string_member(json, "continuing_subword_prefix", "")),
        suffix_(string_member(json, "end_of_word_suffix", "")),
        fuse_unk_(bool_member(json, "fuse_unk", false)),
        ignore_merges_(bool_member(json, "ignore_merges", false)),
        merges_(read_merges(json)) {
    if (const std::string unk = string_member(json, "unk_token", ""); !unk.empty()) {
      unk_ = vocabulary_.find(unk);
      if (unk_ < 0)
        throw Error(ErrorCode::corrupt, kWhere + ": " + quote(unk) + " is not in the vocabulary");
    }
    bytes_.fill(-1);
    if (bool_member(json, "byte_fallback", false))
      for (unsigned byte = 0; byte < bytes_.size(); ++byte)
        bytes_[byte] = vocabulary_.find(byte_piece(byte));
  }

  void tokenize(const std::vector<Word>& words, std::vector<TokenId>& ids) const override {
    PairMerges::Workspace workspace;
    std::vector<TokenId> symbols;
    for (const Word& word : words) {
      if (const TokenId id = ignore_merges_ ? vocabulary_.find(word.text) : -1; id >= 0) {
        ids.push_back(id);
        continue;
      }
      symbols.clear();
      append_symbols(word.text, symbols);
      merges_.apply(symbols, workspace);
      ids.insert(ids.end(), symbols.begin(), symbols.end());
    }
  }

  TokenId find(std::string_view token) const noexcept override { return vocabulary_.find(token); }
  std::string_view token(TokenId id) const override { return vocabulary_.token(id); }
  TokenId size() const noexcept override { return vocabulary_.size(); }
  TokenId unk() const noexcept override { return unk_; }

 private:
  PairMerges read_merges(const nlohmann::json& json) const {
    std::vector<PairMerges::Rule> rules;
    const nlohmann::json& merges = array_member(json, "merges", kWhere);
    rules.reserve(merges.size());
    std::string merged;
    for (const nlohmann::json& merge : merges) {
      const auto [left, right] = read_merge(merge);
      merged = left;
      merged += right.substr(right.starts_with(prefix_) ? prefix_.size() : 0);
      const PairMerges::Rule rule{vocabulary_.find(left), vocabulary_.find(right),
                                  vocabulary_.find(merged)};
      if (rule.left < 0 || rule.right < 0 || rule.merged < 0)
        throw Error(ErrorCode::corrupt, kWhere + ": the merge of " + quote(left) + " and " +
                                            quote(right) +
                                            " names a token that the vocabulary lacks");
      rules.push_back(rule);
    }
    return PairMerges(rules);
  }

  // The id of one character at its place in a word, or -1.
  TokenId find_character(std::string_view character, bool first, bool last) const {
    if ((first || prefix_.empty()) && (!last || suffix_.empty()))
      return vocabulary_.find(character);
    return vocabulary_.find((first ? "" : prefix_) + std::string(character) +
                            (last ? suffix_ : ""));
  }

  bool append_bytes(std::string_view character, std::vector<TokenId>& symbols) const {
    for (const char c : character)
      if (bytes_[static_cast<unsigned char>(c)] < 0) return false;
    for (const char c : character) symbols.push_back(bytes_[static_cast<unsigned char>(c)]);
    return true;
  }

  // The characters of a word. An unknown one is its bytes, else the unknown token, else nothing.
  void append_symbols(std::string_view word, std::vector<TokenId>& symbols) const {
    bool unk_pending = false;  // written before the next known character, as the library does
    for (std::size_t begin = 0; begin < word.size();) {
      const std::size_t end = begin + first_char(word.substr(begin)).bytes;
      const std::string_view character = word.substr(begin, end - begin);
      const TokenId id = find_character(character, begin == 0, end == word.size());
      begin = end;
      if (id >= 0) {
        if (std::exchange(unk_pending, false)) symbols.push_back(unk_);
        symbols.push_back(id);
      } else if (!append_bytes(character, symbols) && unk_ >= 0) {
        if (unk_pending && !fuse_unk_) symbols.push_back(unk_);
        unk_pending = true;
      }
    }
    if (unk_pending) symbols.push_back(unk_);
  }

  Vocabulary vocabulary_;
  std::string prefix_, suffix_;
  bool fuse_unk_, ignore_merges_;
  TokenId unk_ = -1;
  std::array<TokenId, 256> bytes_{};  // with byte fallback, where the vocabulary has them
  PairMerges merges_;
};

}  // namespace

std::unique_ptr<const Model> make_bpe_model(const nlohmann::json& json, const Limits& limits) {
  return std::make_unique<BpeModel>(json, limits);
}

}  // namespace tandem::pipeline
