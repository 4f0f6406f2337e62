#include "text/sentencepiece.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include <tandem/error.h>

#include "base/utf8.h"
#include "text/bpe.h"
#include "text/character.h"
#include "text/text_limit.h"
#include "text/unigram.h"
#include "text/word.h"

namespace tandem {
namespace {

// How many times longer than the longest allowed text a normalised text may be. U+FDFA under NFKC,
// the worst of the usual rules, gives 13 times its bytes.
constexpr std::size_t kMaxExpansion = 16;

std::unique_ptr<const Segmenter> make_segmenter(SentencePieceModel::Algorithm algorithm,
                                                const PieceTable& pieces) {
  switch (algorithm) {
    case SentencePieceModel::Algorithm::unigram:
      return std::make_unique<Unigram>(pieces);
    case SentencePieceModel::Algorithm::bpe:
      return std::make_unique<Bpe>(pieces);
    case SentencePieceModel::Algorithm::word:
      return std::make_unique<Word>(pieces);
    case SentencePieceModel::Algorithm::character:
      return std::make_unique<Character>(pieces);
  }
  throw Error(ErrorCode::internal, "a SentencePiece algorithm without an implementation");
}

// Positions in a normalised text are 32 bits wide.
std::size_t max_normalized_bytes(const Limits& limits) {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  return limits.max_input_bytes < kMost / kMaxExpansion ? limits.max_input_bytes * kMaxExpansion
                                                        : kMost;
}

void append_with_spaces(std::string& out, std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t space = std::min(piece.find(kSpaceSymbol), piece.size());
    out += piece.substr(0, space);
    piece.remove_prefix(space);
    if (piece.empty()) return;
    out += ' ';
    piece.remove_prefix(kSpaceSymbol.size());
  }
}

}  // namespace

SentencePiece::SentencePiece(SentencePieceModel model, const std::string& name,
                             const Limits& limits)
    : pieces_(std::move(model.pieces)),
      normalizer_(model.normalizer, model.treat_whitespace_as_suffix, pieces_.user_defined(),
                  max_normalized_bytes(limits), name),
      segmenter_(make_segmenter(model.algorithm, pieces_)),
      unk_surface_(std::move(model.unk_surface)),
      byte_fallback_(model.byte_fallback),
      prefix_is_dropped_(model.normalizer.add_dummy_prefix ||
                         model.normalizer.remove_extra_whitespaces),
      all_spaces_are_dropped_(model.normalizer.remove_extra_whitespaces),
      eos_id_(pieces_.control(model.eos_piece)),
      pad_id_(pieces_.control(model.pad_piece)),
      max_input_bytes_(limits.max_input_bytes) {}

std::shared_ptr<const SentencePiece> SentencePiece::load(const std::string& path,
                                                         const Limits& limits) {
  return std::make_shared<const SentencePiece>(SentencePieceModel::load(path, limits), path,
                                               limits);
}

void SentencePiece::check_length(std::string_view text) const {
  check_text_size(text, max_input_bytes_);
}

std::string SentencePiece::normalize(std::string_view text) const {
  check_length(text);
  return normalizer_.normalize(text);
}

SentencePiece::Encoding SentencePiece::encode_pieces(std::string_view text) const {
  Encoding encoding{normalize(text), {}};
  const std::vector<Segment> segments = segmenter_->segment(encoding.normalized);
  encoding.pieces.reserve(segments.size());
  bool after_unknown = false;
  for (const Segment& segment : segments) {
    const bool unknown = segment.id == pieces_.unk();
    if (unknown && byte_fallback_) {
      for (std::size_t i = segment.begin; i < segment.end; ++i)
        encoding.pieces.push_back(
            {i, i + 1, pieces_.byte(static_cast<unsigned char>(encoding.normalized[i]))});
    } else if (unknown && after_unknown) {
      encoding.pieces.back().end = segment.end;
    } else {
      encoding.pieces.push_back(segment);
    }
    after_unknown = unknown;
  }
  return encoding;
}

std::string_view SentencePiece::surface(const Encoding& encoding, const Segment& piece) const {
  if (piece.id != pieces_.unk()) return pieces_[piece.id].text;
  return std::string_view(encoding.normalized).substr(piece.begin, piece.end - piece.begin);
}

std::vector<TokenId> SentencePiece::encode(std::string_view text) const {
  const Encoding encoding = encode_pieces(text);
  std::vector<TokenId> ids;
  ids.reserve(encoding.pieces.size());
  for (const Segment& piece : encoding.pieces) ids.push_back(piece.id);
  return ids;
}

// Joins pieces to a text, one after another.
class SentencePiece::Decoder {
 public:
  explicit Decoder(const SentencePiece& model) : model_(model) {}

  // `id` is that of `piece`, or -1 if it is not in the vocabulary.
  void add(std::string_view piece, TokenId id) {
    const PieceType type = id < 0 ? PieceType::unknown : model_.pieces_[id].type;
    if (type == PieceType::byte) {
      bytes_ += static_cast<char>(byte_of_piece(piece));
      return;
    }
    flush_bytes();
    if (prefix_seen_ || !text_.empty()) at_start_ = false;
    prefix_seen_ = false;
    if (type == PieceType::control) return;
    if (type == PieceType::unknown) {
      text_ += id < 0 ? piece : std::string_view(model_.unk_surface_);
      return;
    }
    if (at_start_ && model_.prefix_is_dropped_ && piece.starts_with(kSpaceSymbol)) {
      piece.remove_prefix(kSpaceSymbol.size());
      prefix_seen_ = !model_.all_spaces_are_dropped_;
    }
    append_with_spaces(text_, piece);
  }

  std::string finish() {
    flush_bytes();
    return std::move(text_);
  }

 private:
  void flush_bytes() {
    if (bytes_.empty()) return;
    text_ += with_replacements(bytes_);
    bytes_.clear();
  }

  const SentencePiece& model_;
  std::string text_;
  std::string bytes_;         // of the run of byte pieces that is being read
  bool at_start_ = true;      // a space symbol here is the dummy prefix or extra white space
  bool prefix_seen_ = false;  // the one dummy prefix has been dropped
};

std::string SentencePiece::decode(std::span<const TokenId> ids) const {
  Decoder decoder(*this);
  for (const TokenId id : ids) {
    check_id(id);
    decoder.add(pieces_[id].text, id);
  }
  return decoder.finish();
}

std::string SentencePiece::decode_pieces(std::span<const std::string_view> pieces) const {
  Decoder decoder(*this);
  for (const std::string_view piece : pieces) decoder.add(piece, pieces_.find(piece));
  return decoder.finish();
}

void SentencePiece::check_id(TokenId id) const {
  if (id >= 0 && id < pieces_.size()) return;
  throw Error(ErrorCode::invalid_argument, "token id " + std::to_string(id) +
                                               " is outside the vocabulary of " +
                                               std::to_string(pieces_.size()));
}

}  // namespace tandem
