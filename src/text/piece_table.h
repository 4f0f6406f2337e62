// The pieces of a SentencePiece model, indexed for look-up both ways. Immutable.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tandem/constraint.h>

#include "text/byte_trie.h"
#include "text/sentencepiece_model.h"

namespace tandem {

class PieceTable {
 public:
  // `pieces` as SentencePieceModel holds them, checked.
  explicit PieceTable(std::vector<Piece> pieces);
  PieceTable(const PieceTable&) = delete;  // the indexes point into the pieces
  PieceTable& operator=(const PieceTable&) = delete;

  TokenId size() const noexcept { return static_cast<TokenId>(pieces_.size()); }
  const Piece& operator[](TokenId id) const noexcept {
    return pieces_[static_cast<std::size_t>(id)];
  }

  // The id of exactly this piece, a special one first; -1 if there is none.
  TokenId find(std::string_view piece) const noexcept;
  // The id of the control piece of this name; -1 if there is none.
  TokenId control(std::string_view piece) const noexcept;
  TokenId unk() const noexcept { return unk_; }
  // The piece that stands for a byte; only in models with byte fallback.
  TokenId byte(unsigned char value) const noexcept { return bytes_[value]; }

  // What can be found in a text: normal, user-defined and unused pieces.
  const ByteTrie& ordinary() const noexcept { return ordinary_; }
  const ByteTrie& user_defined() const noexcept { return user_defined_; }

 private:
  std::vector<Piece> pieces_;
  std::unordered_map<std::string_view, TokenId> special_;
  std::array<TokenId, 256> bytes_{};
  ByteTrie ordinary_;
  ByteTrie user_defined_;
  TokenId unk_ = -1;
};

}  // namespace tandem
