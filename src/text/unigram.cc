#include "text/unigram.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/utf8.h"

namespace tandem {
namespace {

constexpr float kUnknownPenalty = 10.0f;
constexpr float kUserDefinedScore = -0.1f;
constexpr float kUnused = -std::numeric_limits<float>::infinity();  // no file holds this score
constexpr std::uint32_t kUnreached = 0xFFFFFFFFu;

}  // namespace

// The best way to cut the text up to one position: its last piece and the sum of its scores.
struct Unigram::PathEnd {
  float score = 0;
  std::uint32_t begin = kUnreached;
  TokenId id = -1;

  void offer(float candidate, std::size_t from, TokenId piece) noexcept {
    if (begin != kUnreached && !(candidate > score)) return;
    score = candidate;
    begin = static_cast<std::uint32_t>(from);
    id = piece;
  }
};

Unigram::Unigram(const PieceTable& pieces) : pieces_(pieces) {
  float lowest = std::numeric_limits<float>::max();
  scores_.reserve(static_cast<std::size_t>(pieces.size()));
  for (TokenId id = 0; id < pieces.size(); ++id) {
    const Piece& piece = pieces[id];
    if (piece.type == PieceType::normal) lowest = std::min(lowest, piece.score);
    scores_.push_back(piece.type == PieceType::unused         ? kUnused
                      : piece.type == PieceType::user_defined ? kUserDefinedScore
                                                              : piece.score);
  }
  unknown_score_ = lowest - kUnknownPenalty;
}

void Unigram::extend_from(std::string_view text, std::size_t begin,
                          std::vector<PathEnd>& ends) const {
  const ByteTrie& trie = pieces_.ordinary();
  const float so_far = ends[begin].score;
  const std::size_t next_char = std::min(begin + announced_bytes(text[begin]), text.size());
  bool covers_one_char = false;
  ByteTrie::Node node = ByteTrie::kRoot;
  for (std::size_t end = begin; end < text.size() && trie.step(node, text[end]);) {
    ++end;
    const TokenId id = trie.value(node);
    if (id == ByteTrie::kNoValue) continue;
    const float score = scores_[static_cast<std::size_t>(id)];
    if (score == kUnused) continue;
    ends[end].offer(score + so_far, begin, id);
    covers_one_char |= end == next_char;
  }
  if (!covers_one_char) ends[next_char].offer(unknown_score_ + so_far, begin, pieces_.unk());
}

std::vector<Segment> Unigram::segment(std::string_view normalized) const {
  std::vector<PathEnd> ends(normalized.size() + 1);
  for (std::size_t begin = 0; begin < normalized.size();
       begin = std::min(begin + announced_bytes(normalized[begin]), normalized.size()))
    extend_from(normalized, begin, ends);

  std::vector<Segment> segments;
  for (std::size_t end = normalized.size(); end > 0;) {
    const PathEnd& last = ends[end];
    segments.push_back({last.begin, end, last.id});
    end = last.begin;
  }
  std::reverse(segments.begin(), segments.end());
  return segments;
}

}  // namespace tandem
