#include "text/piece_table.h"

#include <utility>

namespace tandem {

PieceTable::PieceTable(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {
  std::vector<ByteTrie::Entry> ordinary, user_defined;
  for (TokenId id = 0; id < size(); ++id) {
    const Piece& piece = (*this)[id];
    switch (piece.type) {
      case PieceType::user_defined:
        user_defined.push_back({piece.text, id});
        [[fallthrough]];
      case PieceType::normal:
      case PieceType::unused:
        ordinary.push_back({piece.text, id});
        break;
      case PieceType::unknown:
        unk_ = id;
        special_.emplace(piece.text, id);
        break;
      case PieceType::byte:
        bytes_[static_cast<std::size_t>(byte_of_piece(piece.text))] = id;
        [[fallthrough]];
      case PieceType::control:
        special_.emplace(piece.text, id);
        break;
    }
  }
  ordinary_ = ByteTrie(std::move(ordinary));
  user_defined_ = ByteTrie(std::move(user_defined));
}

TokenId PieceTable::find(std::string_view piece) const noexcept {
  const auto special = special_.find(piece);
  return special != special_.end() ? special->second : ordinary_.find(piece);
}

TokenId PieceTable::control(std::string_view piece) const noexcept {
  const TokenId id = find(piece);
  return id >= 0 && (*this)[id].type == PieceType::control ? id : -1;
}

}  // namespace tandem
