#include "text/marian_tokenizer.h"

#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "text/character_class.h"

namespace tandem {
namespace {

constexpr std::string_view kCodeBegin = ">>";
constexpr std::string_view kCodeEnd = "<<";

// How many bytes of `text` are a language code: all up to the first "<<" if it begins with ">>".
std::size_t language_code_bytes(std::string_view text) {
  if (!text.starts_with(kCodeBegin)) return 0;
  const std::size_t end = text.find(kCodeEnd);
  return end == std::string_view::npos ? 0 : end + kCodeEnd.size();
}

// `text` with every U+2581 as a space; pieces that the SentencePiece model does not know keep
// theirs.
std::string with_plain_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at; (at = text.find(kSpaceSymbol)) != std::string_view::npos;
       text.remove_prefix(at + kSpaceSymbol.size())) {
    out += text.substr(0, at);
    out += ' ';
  }
  out += text;
  return out;
}

}  // namespace

TokenId MarianTokenizer::Side::find(std::string_view token) const {
  const TokenId id = vocabulary->find(token);
  return id >= 0 ? id : unk;
}

MarianTokenizer::Side MarianTokenizer::make_side(std::shared_ptr<const SentencePiece> pieces,
                                                 std::shared_ptr<const Vocabulary> vocabulary,
                                                 const std::string& unk) {
  Side side{std::move(pieces), std::move(vocabulary), {}, -1};
  side.unk = side.vocabulary->find(unk);
  if (side.unk < 0)
    throw Error(ErrorCode::corrupt,
                "Marian vocabulary: the unknown token " + quote(unk) + " is not in it");
  const PieceTable& table = side.pieces->pieces();
  side.ids.reserve(static_cast<std::size_t>(table.size()));
  for (TokenId piece = 0; piece < table.size(); ++piece)
    side.ids.push_back(side.find(table[piece].text));
  return side;
}

MarianTokenizer::MarianTokenizer(Parts parts)
    : source_(make_side(parts.source_pieces, parts.source_vocabulary, parts.unk)),
      target_(make_side(parts.target_pieces, parts.target_vocabulary, parts.unk)),
      unk_(std::move(parts.unk)),
      eos_(std::move(parts.eos)),
      pad_(std::move(parts.pad)),
      target_lang_(std::move(parts.target_lang)),
      eos_id_(source_.vocabulary->find(eos_)),
      pad_id_(source_.vocabulary->find(pad_)) {
  if (eos_id_ < 0)
    throw Error(ErrorCode::corrupt,
                "Marian vocabulary: the end token " + quote(eos_) + " is not in it");
  std::vector<ByteTrie::Entry> specials;
  for (const auto& [token, id] :
       {std::pair<std::string_view, TokenId>(unk_, source_.unk), {eos_, eos_id_}, {pad_, pad_id_}})
    if (!token.empty() && id >= 0) specials.push_back({token, id});
  specials_ = ByteTrie(std::move(specials));
  for (const std::string& token : source_.vocabulary->tokens_between(kCodeBegin, kCodeEnd))
    languages_.add(std::string(Languages::code_of(token)), source_.vocabulary->find(token));
}

void MarianTokenizer::encode_language(const std::string& target_lang,
                                      std::vector<TokenId>& ids) const {
  if (languages_.empty()) {
    if (target_lang_.empty() || Languages::is_same(target_lang, target_lang_)) return;
    throw Error(ErrorCode::invalid_argument,
                "target language " + quote(target_lang) + ": this model has one only",
                "the language is " + target_lang_);
  }
  ids.push_back(languages_.find(target_lang, "target language"));
}

void MarianTokenizer::encode_stretch(const Side& side, std::string_view text,
                                     std::vector<TokenId>& ids) const {
  const SentencePiece::Encoding encoding = side.pieces->encode_pieces(text);
  const TokenId unknown = side.pieces->pieces().unk();
  // A piece that is unknown to this side's model may be in the vocabulary from the other side.
  for (const Segment& piece : encoding.pieces)
    ids.push_back(piece.id == unknown ? side.find(side.pieces->surface(encoding, piece))
                                      : side.ids[static_cast<std::size_t>(piece.id)]);
}

std::vector<TokenId> MarianTokenizer::encode(std::string_view text,
                                             const EncodeOptions& options) const {
  const Side& side = options.as_target ? target_ : source_;
  side.pieces->check_length(text);
  std::vector<TokenId> ids;
  if (!options.target_lang.empty() && !options.as_target) encode_language(options.target_lang, ids);
  bool code_may_follow = ids.empty();  // not after the one that was asked for
  while (!text.empty()) {
    std::size_t stretch = 0;
    ByteTrie::Match special;
    for (; stretch < text.size(); ++stretch)
      if ((special = specials_.longest_prefix(text.substr(stretch))).length > 0) break;
    std::string_view plain = text.substr(0, stretch);
    if (const std::size_t code = code_may_follow ? language_code_bytes(plain) : 0; code > 0) {
      ids.push_back(side.find(plain.substr(0, code)));
      plain.remove_prefix(code);
    }
    code_may_follow = true;
    encode_stretch(side, plain, ids);
    if (special.length > 0) ids.push_back(special.value);
    text.remove_prefix(stretch + special.length);
  }
  ids.push_back(eos_id_);
  return ids;
}

std::string_view MarianTokenizer::special_token(TokenId id) const {
  if (id < 0) return {};
  if (id == eos_id_) return eos_;
  if (id == pad_id_) return pad_;
  return id == source_.unk ? std::string_view(unk_) : std::string_view();
}

std::string MarianTokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  // With one vocabulary for both sides transformers decodes by the source model.
  const SentencePiece& model =
      source_.vocabulary == target_.vocabulary ? *source_.pieces : *target_.pieces;
  std::string text;
  std::vector<std::string_view> stretch;
  for (const TokenId id : ids) {
    std::string_view special = special_token(id);
    if (special.empty()) {
      const std::string_view piece = target_.vocabulary->token(id);
      if (!piece.empty() && piece != unk_ && piece != eos_ && piece != pad_) {
        stretch.push_back(piece);
        continue;
      }
      special = piece.empty() ? std::string_view(unk_) : piece;
    }
    if (skip_special_tokens) continue;
    text += model.decode_pieces(stretch);
    stretch.clear();
    text += special;
    text += ' ';
  }
  text += model.decode_pieces(stretch);
  return std::string(strip(with_plain_spaces(text)));
}

std::string MarianTokenizer::token(TokenId id) const {
  if (const std::string_view special = special_token(id); !special.empty())
    return std::string(special);
  const Vocabulary& vocabulary =
      id < target_.vocabulary->size() ? *target_.vocabulary : *source_.vocabulary;
  const std::string_view token = vocabulary.token(id);
  return token.empty() ? unk_ : std::string(token);
}

}  // namespace tandem
