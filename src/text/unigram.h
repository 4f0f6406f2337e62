// Unigram language model segmentation: the pieces with the highest sum of scores.
//
// What it does:  Viterbi search from left to right over all pieces that occur in the text.
// Cost:          time n times the longest piece in the worst case, about n trie steps times the
//                mean match in practice; 12 bytes for each byte of the text. No recursion.
// Source:        Kudo 2018, arXiv 1804.10959, section 3.2, for inference only. Ties and rounding as
//                in github.com/google/sentencepiece: a path is replaced by a strictly better one
//                only, scores are summed in float, a character that is no piece
//                costs the lowest score of the vocabulary less 10, and a user-defined piece costs
//                0.1 whatever its length.
#pragma once

#include <vector>

#include "text/piece_table.h"
#include "text/segmenter.h"

namespace tandem {

class Unigram final : public Segmenter {
 public:
  // `pieces` must outlive this.
  explicit Unigram(const PieceTable& pieces);
  std::vector<Segment> segment(std::string_view normalized) const override;

 private:
  struct PathEnd;
  void extend_from(std::string_view text, std::size_t begin, std::vector<PathEnd>& ends) const;

  const PieceTable& pieces_;
  std::vector<float> scores_;  // of each id; kUnused for those that are never taken
  float unknown_score_ = 0;
};

}  // namespace tandem
