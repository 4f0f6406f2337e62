// The `char` model of SentencePiece: each character is a piece; user-defined pieces stay whole.
// Linear time.
#pragma once

#include <algorithm>
#include <vector>

#include "base/utf8.h"
#include "text/piece_table.h"
#include "text/segmenter.h"

namespace tandem {

class Character final : public Segmenter {
 public:
  // `pieces` must outlive this.
  explicit Character(const PieceTable& pieces) : pieces_(pieces) {}

  std::vector<Segment> segment(std::string_view normalized) const override {
    std::vector<Segment> segments;
    for (std::size_t begin = 0; begin < normalized.size();) {
      const std::string_view rest = normalized.substr(begin);
      std::size_t bytes = pieces_.user_defined().longest_prefix(rest).length;
      if (bytes == 0) bytes = std::min(announced_bytes(rest[0]), rest.size());
      const TokenId id = pieces_.find(rest.substr(0, bytes));
      segments.push_back({begin, begin + bytes, id >= 0 ? id : pieces_.unk()});
      begin += bytes;
    }
    return segments;
  }

 private:
  const PieceTable& pieces_;
};

}  // namespace tandem
