// How a normalised text is cut into pieces: one of the four algorithms of SentencePiece.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// The bytes [begin, end) of the normalised text and the piece they are. Segments follow one another
// without gaps from the first byte to the last.
struct Segment {
  std::size_t begin = 0;
  std::size_t end = 0;
  TokenId id = 0;
};

// Immutable and thread-safe.
class Segmenter {
 public:
  virtual ~Segmenter() = default;
  virtual std::vector<Segment> segment(std::string_view normalized) const = 0;
};

}  // namespace tandem
