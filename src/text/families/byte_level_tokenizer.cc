#include "text/families/byte_level_tokenizer.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/character_class.h"
#include "text/json_file.h"
#include "text/unicode.h"
#include "text/whisper.h"

namespace tandem {
namespace {

// Numbers the strings of merges: those of the vocabulary by their ids, others behind it. Merges may
// go through strings that are no tokens.
class Symbols {
 public:
  explicit Symbols(const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), next_(vocabulary.size()) {}

  TokenId number(std::string_view text) {
    const TokenId id = vocabulary_.find(text);
    if (id >= 0) return id;
    const auto [entry, is_new] = others_.emplace(text, next_);
    if (is_new) ++next_;
    return entry->second;
  }

 private:
  const Vocabulary& vocabulary_;
  std::unordered_map<std::string, TokenId> others_;
  TokenId next_;
};

// merges.txt: a line "#version ...", then a pair a line with a space between.
std::vector<PairMerges::Rule> read_merges(const ModelFolder& folder, Symbols& symbols) {
  const std::string path = folder.at("merges.txt");
  const std::string content = read_file(path, folder.limits.max_tokenizer_bytes, "merges");
  if (!is_valid_utf8(content)) throw Error(ErrorCode::corrupt, path + ": not UTF-8");
  std::vector<PairMerges::Rule> rules;
  std::string merged;
  std::string_view rest = content;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
    const std::size_t space = line.find(' ');
    if (space == line.npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != line.npos)
      throw Error(ErrorCode::corrupt, path + ": line " + std::to_string(number) + ", " +
                                          quote(line) + ": two strings were expected");
    const std::string_view left = line.substr(0, space);
    const std::string_view right = line.substr(space + 1);
    merged = left;
    merged += right;
    rules.push_back({symbols.number(left), symbols.number(right), symbols.number(merged)});
  }
  return rules;
}

}  // namespace

std::shared_ptr<const Tokenizer> ByteLevelTokenizer::load(const ModelFolder& folder) {
  using Named = PythonTokenizer::Parts::Named;
  constexpr Named kBart[] = {
      {"bos_token", "<s>"},   {"eos_token", "</s>"}, {"unk_token", "<unk>"},  {"sep_token", "</s>"},
      {"pad_token", "<pad>"}, {"cls_token", "<s>"},  {"mask_token", "<mask>"}};
  constexpr Named kWhisper[] = {{"bos_token", "<|endoftext|>"},
                                {"eos_token", "<|endoftext|>"},
                                {"unk_token", "<|endoftext|>"},
                                {"pad_token", ""}};
  SpecialTokens special = SpecialTokens::read(folder);
  const auto vocabulary = folder.vocabulary("vocab.json");
  Parts parts;
  parts.is_whisper = folder.tokenizer_class() == "WhisperTokenizer";
  parts.add_prefix_space = bool_member(folder.tokenizer_config, "add_prefix_space", false);
  for (TokenId id = 0; id < vocabulary->size(); ++id)
    parts.tokens.emplace_back(vocabulary->token(id));
  Symbols symbols(*vocabulary);
  for (unsigned byte = 0; byte < parts.byte_symbols.size(); ++byte)
    parts.byte_symbols[byte] = symbols.number(byte_level::symbol(static_cast<unsigned char>(byte)));
  parts.merges = read_merges(folder, symbols);
  parts.added = std::move(special.added);
  if (special.additional) parts.additional = std::move(*special.additional);
  parts.add_special(special, parts.is_whisper ? std::span<const Named>(kWhisper) : kBart,
                    /*mask_lstrip=*/true);
  if (parts.is_whisper) {
    parts.eos = special.name_of("eos_token", "<|endoftext|>");
    parts.unk = special.name_of("unk_token", "<|endoftext|>");
    parts.before = {std::string(whisper::kStartOfTranscript), "<|notimestamps|>"};
    parts.separates_all_added = true;
  } else {
    parts.before = {special.name_of("cls_token", "<s>")};
  }
  parts.after = {parts.eos};
  return std::make_shared<const ByteLevelTokenizer>(std::move(parts), folder);
}

ByteLevelTokenizer::ByteLevelTokenizer(Parts parts, const ModelFolder& folder)
    : PythonTokenizer(parts, folder),
      base_size_(static_cast<TokenId>(parts.tokens.size())),
      merges_(parts.merges),
      byte_symbols_(parts.byte_symbols),
      add_prefix_space_(parts.add_prefix_space),
      is_whisper_(parts.is_whisper) {}

std::string ByteLevelTokenizer::prepare(std::string_view text) const {
  const bool adds = add_prefix_space_ && !text.empty() && !is_space(first_char(text).code_point);
  std::string prepared(adds ? " " : "");
  prepared += text;
  return prepared;
}

void ByteLevelTokenizer::encode_stretch(std::string_view text, std::vector<TokenId>& ids) const {
  PairMerges::Workspace workspace;
  std::vector<TokenId> symbols;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, byte_level::first_word(text));
    text.remove_prefix(word.size());
    symbols.clear();
    for (const char c : word) symbols.push_back(byte_symbols_[static_cast<unsigned char>(c)]);
    merges_.apply(symbols, workspace);
    for (const TokenId id : symbols) ids.push_back(id < base_size_ ? id : unk_id());
  }
}

std::string ByteLevelTokenizer::join(std::span<const TokenId> ids) const {
  std::string bytes;
  for (const TokenId id : ids)
    if (!byte_level::append_bytes(bytes, token_text(id))) bytes += token_text(id);
  return unicode::decode_lossy(bytes);
}

std::string ByteLevelTokenizer::decode(std::span<const TokenId> ids,
                                       bool skip_special_tokens) const {
  if (!is_whisper_) return PythonTokenizer::decode(ids, skip_special_tokens);
  check_ids(ids);
  if (skip_special_tokens)
    ids = whisper::without_prompt(ids, find(whisper::kStartOfPrevious),
                                  find(whisper::kStartOfTranscript));
  return whisper::without_times(PythonTokenizer::decode(ids, skip_special_tokens));
}

}  // namespace tandem
