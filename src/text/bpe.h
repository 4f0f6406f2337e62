// Byte-pair encoding as SentencePiece does it: characters, merged by the scores of the pieces.
//
// What it does:  of all neighbours whose concatenation is a piece, merges the pair whose piece has
//                the highest score, the leftmost among equals, until none is left. User-defined
//                pieces stand alone and never merge. A result that is unused is split again the way
//                it was made.
// Cost:          n log n time and about 60 bytes for each character, by a priority queue. No
//                recursion.
// Source:        Sennrich et al. 2016, arXiv 1508.07909; order of merges as in
//                github.com/google/sentencepiece.
#pragma once

#include <vector>

#include "text/piece_table.h"
#include "text/segmenter.h"

namespace tandem {

class Bpe final : public Segmenter {
 public:
  // `pieces` must outlive this.
  explicit Bpe(const PieceTable& pieces) : pieces_(pieces) {}
  std::vector<Segment> segment(std::string_view normalized) const override;

 private:
  class Merger;
  const PieceTable& pieces_;
};

}  // namespace tandem
