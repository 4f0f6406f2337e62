// The `word` model of SentencePiece: each U+2581 begins a word, and a word is a piece or unknown.
// Linear time.
#pragma once

#include <algorithm>
#include <vector>

#include "text/normalizer.h"
#include "text/piece_table.h"
#include "text/segmenter.h"

namespace tandem {

class Word final : public Segmenter {
 public:
  // `pieces` must outlive this.
  explicit Word(const PieceTable& pieces) : pieces_(pieces) {}

  std::vector<Segment> segment(std::string_view normalized) const override {
    std::vector<Segment> segments;
    for (std::size_t begin = 0; begin < normalized.size();) {
      const std::size_t end = std::min(normalized.find(kSpaceSymbol, begin + 1), normalized.size());
      const TokenId id = pieces_.find(normalized.substr(begin, end - begin));
      segments.push_back({begin, end, id >= 0 ? id : pieces_.unk()});
      begin = end;
    }
    return segments;
  }

 private:
  const PieceTable& pieces_;
};

}  // namespace tandem
