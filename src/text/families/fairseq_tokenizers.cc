#include "text/families/fairseq_tokenizers.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/families/language_lists.h"
#include "text/families/piece_tokenizer.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"
#include "text/special_tokens.h"

namespace tandem {
namespace {

using Parts = PieceTokenizer::Parts;
using Named = PythonTokenizer::Parts::Named;

constexpr const char* kModelFile = "sentencepiece.bpe.model";
constexpr TokenId kFairseqUnk = 3;

constexpr Named kFairseqNamed[] = {
    {"bos_token", "<s>"},   {"eos_token", "</s>"}, {"unk_token", "<unk>"},  {"sep_token", "</s>"},
    {"pad_token", "<pad>"}, {"cls_token", "<s>"},  {"mask_token", "<mask>"}};
constexpr Named kM2M100Named[] = {{"bos_token", "<s>"},
                                  {"eos_token", "</s>"},
                                  {"unk_token", "<unk>"},
                                  {"sep_token", "</s>"},
                                  {"pad_token", "<pad>"}};
constexpr Named kPegasusNamed[] = {{"eos_token", "</s>"},
                                   {"unk_token", "<unk>"},
                                   {"pad_token", "<pad>"},
                                   {"mask_token", "<mask_2>"}};

void append(std::vector<std::string>& list, std::span<const std::string_view> more) {
  for (const std::string_view item : more)
    if (std::find(list.begin(), list.end(), item) == list.end()) list.emplace_back(item);
}

AddedToken special_token(std::string content, TokenId id) {
  AddedToken token;
  token.content = std::move(content);
  token.id = id;
  token.special = true;
  return token;
}

}  // namespace

std::shared_ptr<const Tokenizer> load_fairseq(const ModelFolder& folder) {
  const std::string name = folder.tokenizer_class();
  const bool is_nllb = name == "NllbTokenizer";
  SpecialTokens special = SpecialTokens::read(folder);
  Parts parts;
  parts.pieces = folder.pieces(kModelFile);
  parts.tokens = {"<s>", "<pad>", "</s>", "<unk>"};
  for (TokenId piece = 0; piece < parts.pieces->pieces().size(); ++piece) {
    parts.piece_ids.push_back(piece == 0 ? kFairseqUnk : piece + 1);
    if (piece >= kFairseqUnk) parts.tokens.push_back(parts.pieces->pieces()[piece].text);
  }
  const std::span<const std::string_view> languages = languages_of(name);
  parts.added = std::move(special.added);
  if (special.additional) parts.additional = std::move(*special.additional);
  if (!is_nllb || parts.additional.empty()) append(parts.additional, languages);
  if (!is_nllb) {
    append(parts.tokens, languages);
    parts.tokens.push_back("<mask>");
  } else if (parts.added.empty()) {  // as the published models have them
    auto next = static_cast<TokenId>(parts.tokens.size());
    for (const std::string_view code : languages)
      parts.added.push_back(special_token(std::string(code), next++));
  }
  parts.add_special(special, kFairseqNamed, /*mask_lstrip=*/true);
  parts.joining = name == "MBart50Tokenizer" ? PieceTokenizer::Joining::specials_spaced
                                             : PieceTokenizer::Joining::plain;
  return std::make_shared<const PieceTokenizer>(std::move(parts), folder);
}

std::shared_ptr<const Tokenizer> load_m2m100(const ModelFolder& folder) {
  SpecialTokens special = SpecialTokens::read(folder);
  const auto vocabulary = folder.vocabulary("vocab.json");
  Parts parts;
  parts.pieces = folder.pieces(kModelFile);
  for (TokenId id = 0; id < vocabulary->size(); ++id)
    parts.tokens.emplace_back(vocabulary->token(id));
  parts.added = std::move(special.added);
  if (special.additional) parts.additional = std::move(*special.additional);
  // They are special only if the files say so, but the template needs them in any case.
  parts.base_size = parts.tokens.size();
  for (const std::string_view code :
       m2m100_languages(string_member(folder.tokenizer_config, "language_codes", "m2m100")))
    parts.tokens.push_back("__" + std::string(code) + "__");
  parts.add_special(special, kM2M100Named, /*mask_lstrip=*/false);
  const TokenId unk = vocabulary->find(parts.unk);
  for (TokenId piece = 0; piece < parts.pieces->pieces().size(); ++piece) {
    const TokenId id = vocabulary->find(parts.pieces->pieces()[piece].text);
    parts.piece_ids.push_back(id >= 0 ? id : unk);
  }
  parts.looks_up_surfaces = true;
  parts.joining = PieceTokenizer::Joining::specials_close;
  return std::make_shared<const PieceTokenizer>(std::move(parts), folder);
}

std::shared_ptr<const Tokenizer> load_pegasus(const ModelFolder& folder) {
  constexpr std::size_t kMostOffset = 10'000;
  SpecialTokens special = SpecialTokens::read(folder);
  const auto offset = static_cast<TokenId>(
      pipeline::count_member(folder.tokenizer_config, "offset", 103, kMostOffset, folder.path));
  const std::string mask_sentence =
      string_member(folder.tokenizer_config, "mask_token_sent", "<mask_1>");
  Parts parts;
  parts.pieces = folder.pieces("spiece.model");
  parts.tokens.resize(static_cast<std::size_t>(offset));
  for (TokenId piece = 0; piece < parts.pieces->pieces().size(); ++piece) {
    parts.piece_ids.push_back(piece + offset);
    parts.tokens.push_back(parts.pieces->pieces()[piece].text);
  }
  // These ids are the class's, whatever the configuration says.
  std::vector<std::string> fixed = {special.name_of("pad_token", "<pad>"),
                                    special.name_of("eos_token", "</s>")};
  if (!mask_sentence.empty()) {
    fixed.push_back(mask_sentence);
    fixed.push_back(special.name_of("mask_token", "<mask_2>"));
    parts.additional.push_back(mask_sentence);
  }
  for (TokenId i = 2; i < offset; ++i) {
    fixed.push_back("<unk_" + std::to_string(i) + ">");
    parts.additional.push_back(fixed.back());
  }
  for (std::size_t id = 0; id < fixed.size(); ++id)
    parts.added.push_back(special_token(fixed[id], static_cast<TokenId>(id)));
  for (AddedToken& token : special.added)
    if (static_cast<std::size_t>(token.id) >= fixed.size()) parts.added.push_back(std::move(token));
  parts.add_special(special, kPegasusNamed, /*mask_lstrip=*/false);
  parts.after = {parts.eos};
  parts.joining = PieceTokenizer::Joining::specials_close;
  return std::make_shared<const PieceTokenizer>(std::move(parts), folder);
}

}  // namespace tandem
