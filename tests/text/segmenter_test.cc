// The four algorithms against slow and obvious ones, on small random vocabularies.
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "text/bpe.h"
#include "text/character.h"
#include "text/piece_table.h"
#include "text/unigram.h"
#include "text/word.h"

namespace tandem {
namespace {

// Pieces over {a, b, c} with distinct scores; "c" alone is missing, so that it can be unknown.
std::unique_ptr<PieceTable> random_pieces(std::mt19937& random, bool some_unused) {
  std::vector<Piece> pieces{{"<unk>", 0, PieceType::unknown}};
  std::uniform_int_distribution<int> letter('a', 'c'), length(2, 4);
  const auto add = [&](const std::string& text) {
    for (const Piece& piece : pieces)
      if (piece.text == text) return;
    const bool unused = some_unused && text.size() > 1 && random() % 4 == 0;
    // Multiples of 1/64 add up without rounding.
    const auto score = -static_cast<float>(random() % 640 + 1) / 64.0f;
    pieces.push_back({text, score, unused ? PieceType::unused : PieceType::normal});
  };
  add("a");
  add("b");
  for (int i = 0; i < 8; ++i) {
    std::string text;
    for (int n = length(random); n > 0; --n) text += static_cast<char>(letter(random));
    add(text);
  }
  return std::make_unique<PieceTable>(std::move(pieces));
}

std::string random_text(std::mt19937& random) {
  std::uniform_int_distribution<int> letter('a', 'c'), length(0, 10);
  std::string text;
  for (int n = length(random); n > 0; --n) text += static_cast<char>(letter(random));
  return text;
}

void expect_cover(const std::vector<Segment>& segments, const std::string& text) {
  std::size_t at = 0;
  for (const Segment& segment : segments) {
    ASSERT_EQ(segment.begin, at);
    ASSERT_LT(segment.begin, segment.end);
    at = segment.end;
  }
  ASSERT_EQ(at, text.size());
}

// The sum of scores of a segmentation into pieces and unknown characters; -inf if it is none.
float score_of(const PieceTable& pieces, float unknown, const std::vector<std::string>& parts) {
  float sum = 0;
  for (const std::string& part : parts) {
    const TokenId id = pieces.find(part);
    const bool usable = id >= 0 && pieces[id].type == PieceType::normal;
    if (!usable && part.size() > 1) return -std::numeric_limits<float>::infinity();
    sum += usable ? pieces[id].score : unknown;
  }
  return sum;
}

TEST(Unigram, FindsTheBestOfAllSegmentations) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const auto pieces = random_pieces(random, /*some_unused=*/true);
    float unknown = 0;
    for (TokenId id = 1; id < pieces->size(); ++id)
      if ((*pieces)[id].type == PieceType::normal) unknown = std::min(unknown, (*pieces)[id].score);
    unknown -= 10;
    const std::string text = random_text(random);
    const auto segments = Unigram(*pieces).segment(text);
    ASSERT_NO_FATAL_FAILURE(expect_cover(segments, text));
    if (text.empty()) continue;

    std::vector<std::string> found;
    for (const Segment& s : segments) found.push_back(text.substr(s.begin, s.end - s.begin));
    float best = -std::numeric_limits<float>::infinity();
    for (unsigned cuts = 0; cuts < 1u << (text.size() - 1); ++cuts) {  // bit i: cut after letter i
      std::vector<std::string> parts{""};
      for (std::size_t i = 0; i < text.size(); ++i) {
        parts.back() += text[i];
        if ((cuts >> i & 1) != 0) parts.emplace_back();
      }
      best = std::max(best, score_of(*pieces, unknown, parts));
    }
    ASSERT_EQ(score_of(*pieces, unknown, found), best) << text;
  }
}

TEST(Bpe, MergesTheBestPairFirstAndTheLeftmostAmongEquals) {
  std::mt19937 random(4);
  for (int round = 0; round < 1000; ++round) {
    const auto pieces = random_pieces(random, /*some_unused=*/false);
    const std::string text = random_text(random);
    std::vector<std::string> parts;
    for (const char c : text) parts.emplace_back(1, c);
    while (true) {
      std::size_t best = parts.size();
      float best_score = -std::numeric_limits<float>::infinity();
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const TokenId id = pieces->ordinary().find(parts[i] + parts[i + 1]);
        if (id >= 0 && (*pieces)[id].score > best_score) {
          best = i;
          best_score = (*pieces)[id].score;
        }
      }
      if (best == parts.size()) break;
      parts[best] += parts[best + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    const auto segments = Bpe(*pieces).segment(text);
    ASSERT_NO_FATAL_FAILURE(expect_cover(segments, text));
    std::vector<std::string> found;
    for (const Segment& s : segments) found.push_back(text.substr(s.begin, s.end - s.begin));
    ASSERT_EQ(found, parts) << text;
  }
}

TEST(Bpe, UnusedPiecesNeverComeOut) {
  std::mt19937 random(5);
  bool met_one = false;
  for (int round = 0; round < 1000; ++round) {
    const auto pieces = random_pieces(random, /*some_unused=*/true);
    const std::string text = random_text(random);
    const auto segments = Bpe(*pieces).segment(text);
    ASSERT_NO_FATAL_FAILURE(expect_cover(segments, text));
    for (const Segment& s : segments) ASSERT_NE((*pieces)[s.id].type, PieceType::unused);
    for (TokenId id = 1; id < pieces->size(); ++id)
      met_one |= (*pieces)[id].type == PieceType::unused &&
                 text.find((*pieces)[id].text) != std::string::npos;
  }
  EXPECT_TRUE(met_one);
}

TEST(Segmenters, UserDefinedPiecesStayWhole) {
  const PieceTable pieces({{"<unk>", 0, PieceType::unknown},
                           {"a", -1, PieceType::normal},
                           {"b", -1, PieceType::normal},
                           {"ab", -1, PieceType::normal},
                           {"aab", 0, PieceType::user_defined},
                           {"baaba", -1, PieceType::normal}});
  const std::string text = "baaba";
  const std::vector<TokenId> whole{2, 4, 1};
  const auto ids = [&](const Segmenter& segmenter) {
    std::vector<TokenId> found;
    for (const Segment& s : segmenter.segment(text)) found.push_back(s.id);
    return found;
  };
  EXPECT_EQ(ids(Bpe(pieces)), whole);
  EXPECT_EQ(ids(Character(pieces)), whole);
}

TEST(Word, EachSpaceSymbolBeginsAWord) {
  const PieceTable pieces({{"<unk>", 0, PieceType::unknown}, {"▁ab", -1, PieceType::normal}});
  const std::string text = "▁ab▁▁abc▁ab";
  std::vector<std::string> words;
  std::vector<TokenId> ids;
  for (const Segment& s : Word(pieces).segment(text)) {
    words.push_back(text.substr(s.begin, s.end - s.begin));
    ids.push_back(s.id);
  }
  EXPECT_EQ(words, (std::vector<std::string>{"▁ab", "▁", "▁abc", "▁ab"}));
  EXPECT_EQ(ids, (std::vector<TokenId>{1, 0, 0, 1}));
}

// Not a clock but the plain end of it: quadratic time or stack would not finish here.
TEST(Segmenters, AMegabyteOfAnythingIsCut) {
  std::vector<Piece> list{{"<unk>", 0, PieceType::unknown}};
  for (int n = 1; n <= 64; n *= 2)
    list.push_back({std::string(static_cast<std::size_t>(n), 'a'), -1.0f / static_cast<float>(n)});
  const PieceTable pieces(std::move(list));
  for (const char letter : {'a', 'x'}) {
    const std::string text(1 << 20, letter), quarter(1 << 18, letter);
    ASSERT_NO_FATAL_FAILURE(expect_cover(Unigram(pieces).segment(text), text));
    ASSERT_NO_FATAL_FAILURE(expect_cover(Bpe(pieces).segment(quarter), quarter));
    ASSERT_NO_FATAL_FAILURE(expect_cover(Character(pieces).segment(text), text));
    ASSERT_NO_FATAL_FAILURE(expect_cover(Word(pieces).segment(text), text));
  }
}

}  // namespace
}  // namespace tandem
