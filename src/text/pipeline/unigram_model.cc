// Unigram over SentencePiece's search (unigram.h); the pieces come with their scores.
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/json_file.h"
#include "text/piece_table.h"
#include "text/pipeline/component.h"
#include "text/pipeline/models.h"
#include "text/unigram.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: Unigram model";

Piece read_piece(const nlohmann::json& entry) {
  constexpr std::size_t kLongestPiece = 4096;  // as in a .model: bounds the search at each place
  if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
    throw Error(ErrorCode::corrupt, kWhere + ": a piece must be a string and a score");
  Piece piece{entry[0].get<std::string>(), entry[1].get<float>(), PieceType::normal};
  if (piece.text.empty() || piece.text.size() > kLongestPiece || !std::isfinite(piece.score))
    throw Error(ErrorCode::corrupt, kWhere + ": the piece " + quote(piece.text) +
                                        " is empty, too long, or without a finite score");
  return piece;
}

std::vector<Piece> read_pieces(const nlohmann::json& json, const Limits& limits) {
  const nlohmann::json& entries = array_member(json, "vocab", kWhere);
  if (entries.empty() || std::cmp_greater(entries.size(), limits.max_vocabulary))
    throw Error(entries.empty() ? ErrorCode::corrupt : ErrorCode::resource_exhausted,
                kWhere + ": " + std::to_string(entries.size()) + " pieces; 1 to " +
                    std::to_string(limits.max_vocabulary) + " are allowed");
  if (!json.contains("unk_id") || json["unk_id"].is_null())
    throw Error(ErrorCode::unsupported, kWhere + ": without an unk_id some texts have no ids");
  const auto unk = static_cast<std::size_t>(
      token_id(json["unk_id"], static_cast<std::int64_t>(entries.size()) - 1, kWhere + " unk_id"));
  std::vector<Piece> pieces;
  pieces.reserve(entries.size());
  for (const nlohmann::json& entry : entries) pieces.push_back(read_piece(entry));
  pieces[unk].type = PieceType::unknown;
  if (bool_member(json, "byte_fallback", false))
    for (Piece& piece : pieces)
      if (byte_of_piece(piece.text) >= 0) piece.type = PieceType::byte;
  return pieces;
}

class UnigramModel final : public Model {
 public:
  UnigramModel(const nlohmann::json& json, const Limits& limits)
      : pieces_(read_pieces(json, limits)), unigram_(pieces_), has_bytes_(has_all_bytes()) {}

  void tokenize(const std::vector<Word>& words, std::vector<TokenId>& ids) const override {
    for (const Word& word : words) {
      bool after_unknown = false;
      for (const Segment& segment : unigram_.segment(word.text)) {
        const bool unknown = segment.id == pieces_.unk();
        if (unknown && has_bytes_) {
          for (std::size_t i = segment.begin; i < segment.end; ++i)
            ids.push_back(pieces_.byte(static_cast<unsigned char>(word.text[i])));
        } else if (!unknown || !after_unknown) {
          ids.push_back(segment.id);
        }
        after_unknown = unknown;
      }
    }
  }

  TokenId find(std::string_view token) const noexcept override { return pieces_.find(token); }
  std::string_view token(TokenId id) const override { return pieces_[id].text; }
  TokenId size() const noexcept override { return pieces_.size(); }
  TokenId unk() const noexcept override { return pieces_.unk(); }

 private:
  bool has_all_bytes() const {
    int count = 0;
    for (TokenId id = 0; id < pieces_.size(); ++id) count += pieces_[id].type == PieceType::byte;
    return count == 256;
  }

  PieceTable pieces_;
  Unigram unigram_;
  bool has_bytes_;  // the byte fallback is on and complete
};

}  // namespace

std::unique_ptr<const Model> make_unigram_model(const nlohmann::json& json, const Limits& limits) {
  return std::make_unique<UnigramModel>(json, limits);
}

}  // namespace tandem::pipeline
