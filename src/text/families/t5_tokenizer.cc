#include "text/families/t5_tokenizer.h"

#include <algorithm>
#include <utility>

#include "text/json_file.h"
#include "text/normalizer.h"
#include "text/pipeline/component.h"

namespace tandem {
namespace {

constexpr std::size_t kMostSentinels = 10'000;
constexpr std::size_t kMostGuardBytes = 1 << 16;

std::string sentinel(std::size_t index) {
  return "<extra_id_" + std::to_string(index) + ">";
}

// The sentinels in the order of their names; the first has the highest id.
void add_sentinels(std::size_t count, T5Tokenizer::Parts& parts) {
  const std::size_t pieces = parts.tokens.size();
  for (std::size_t i = 0; i < count; ++i) {
    AddedToken token;
    token.content = sentinel(i);
    token.id = static_cast<TokenId>(pieces + count - 1 - i);
    token.lstrip = token.rstrip = token.special = true;
    parts.added.push_back(std::move(token));
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> T5Tokenizer::load(const ModelFolder& folder) {
  const nlohmann::json& config = folder.tokenizer_config;
  SpecialTokens special = SpecialTokens::read(folder);
  Parts parts;
  parts.legacy = bool_member(config, "legacy", true);
  parts.add_prefix_space = bool_member(config, "add_prefix_space", true);
  const std::string path = folder.at("spiece.model");
  SentencePieceModel model = SentencePieceModel::load(path, folder.limits);
  if (!parts.legacy) model.normalizer.add_dummy_prefix = false;  // the class sets it itself
  // The class puts a prefix and a guard before texts, which are not the caller's bytes.
  Limits limits = folder.limits;
  limits.max_input_bytes += std::min(kMostGuardBytes, SIZE_MAX - limits.max_input_bytes);
  parts.pieces = std::make_shared<const SentencePiece>(std::move(model), path, limits);
  for (TokenId id = 0; id < parts.pieces->pieces().size(); ++id) {
    parts.tokens.push_back(parts.pieces->pieces()[id].text);
    parts.piece_ids.push_back(id);
  }
  const std::size_t sentinels =
      pipeline::count_member(config, "extra_ids", 100, kMostSentinels, folder.path);
  parts.added = std::move(special.added);
  if (parts.added.empty()) add_sentinels(sentinels, parts);
  if (special.additional) {
    parts.additional = std::move(*special.additional);
  } else {
    for (std::size_t i = 0; i < sentinels; ++i) parts.additional.push_back(sentinel(i));
  }
  constexpr PythonTokenizer::Parts::Named kNamed[] = {
      {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
  parts.add_special(special, kNamed, /*mask_lstrip=*/false);
  parts.after = {parts.eos};
  parts.ends_once = true;
  parts.joining = Joining::specials_spaced;
  return std::make_shared<const T5Tokenizer>(std::move(parts), folder);
}

T5Tokenizer::T5Tokenizer(Parts parts, const ModelFolder& folder)
    : PieceTokenizer(static_cast<PieceTokenizer::Parts&&>(parts), folder),
      legacy_(parts.legacy),
      add_prefix_space_(parts.add_prefix_space) {
  for (TokenId id = 0; id < pieces().pieces().size(); ++id) {
    const std::string_view piece = pieces().pieces()[id].text;
    if (piece.starts_with("<2") && Languages::code_of(piece) != piece)
      languages_.add(std::string(Languages::code_of(piece)), id);
  }
}

std::vector<TokenId> T5Tokenizer::encode(std::string_view text,
                                         const EncodeOptions& options) const {
  if (options.target_lang.empty() || options.as_target || languages_.empty())
    return PythonTokenizer::encode(text, options);
  const TokenId language = languages_.find(options.target_lang, "target language");
  std::string with_language(token_text(language));
  with_language += ' ';
  with_language += text;
  return PythonTokenizer::encode(with_language, options);
}

std::string T5Tokenizer::prepare(std::string_view text) const {
  if (legacy_ || text.empty()) return std::string(text);
  std::string prepared(add_prefix_space_ ? kSpaceSymbol : "");
  for (std::size_t at; (at = text.find(kSpaceSymbol)) != std::string_view::npos;
       text.remove_prefix(at + kSpaceSymbol.size())) {
    prepared += text.substr(0, at);
    prepared += ' ';
  }
  prepared += text;
  return prepared;
}

// A prefix with nothing behind it but a special token is none.
void T5Tokenizer::append_added(TokenId id, std::vector<TokenId>& ids) const {
  const bool prefix_only = ids.size() == 1 && token_text(ids[0]) == kSpaceSymbol;
  if (!legacy_ && prefix_only && is_special(id)) ids.clear();
  ids.push_back(id);
}

// SentencePiece strips white space at the front of a text, also where this is no front. The class
// hides it behind the letters of "<unk>" and takes their pieces away again.
void T5Tokenizer::encode_stretch(std::string_view text, std::vector<TokenId>& ids) const {
  const bool at_space = text.starts_with(kSpaceSymbol) || text.starts_with(' ');
  if (legacy_ || !at_space) return PieceTokenizer::encode_stretch(text, ids);
  const std::string guard(token_text(unk_id()));
  std::vector<TokenId> guard_ids, guarded_ids;
  PieceTokenizer::encode_stretch(guard, guard_ids);
  PieceTokenizer::encode_stretch(guard + std::string(text), guarded_ids);
  const std::size_t cut = guarded_ids.size() >= guard_ids.size() ? guard_ids.size() : 0;
  ids.insert(ids.end(), guarded_ids.begin() + static_cast<std::ptrdiff_t>(cut), guarded_ids.end());
}

std::string T5Tokenizer::join(std::span<const TokenId> ids) const {
  std::vector<std::string_view> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) tokens.push_back(token_text(id));
  if (add_prefix_space_ && !tokens.empty() && tokens[0].starts_with(kSpaceSymbol))
    tokens[0].remove_prefix(kSpaceSymbol.size());
  return join_tokens(ids, tokens);
}

}  // namespace tandem
