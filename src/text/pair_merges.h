// Byte-pair encoding by a list of pairs: the merges of merges.txt and of tokenizer.json.
//
// What it does:  of all neighbours that the list has, merges the pair that stands first in it, the
//                leftmost among equals, until none is left.
// When to use:   where a file gives the order of the merges. SentencePiece models give scores of
//                the merged pieces instead: bpe.h.
// Cost:          n log n time for n symbols by a priority queue, no recursion; one hash probe for
//                each pair looked at. The table has 20 to 40 bytes a merge.
// Source:        Sennrich et al. 2016, arXiv 1508.07909; order of merges as in the tokenizers
//                library (models/bpe/word.rs).
#pragma once

#include <cstdint>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

// Immutable and thread-safe.
class PairMerges {
 public:
  struct Rule {
    TokenId left = 0;
    TokenId right = 0;
    TokenId merged = 0;
  };

  // Of rules for the same pair the last one counts.
  explicit PairMerges(const std::vector<Rule>& rules);

  // Memory of one caller, kept between words so that none is allocated for each.
  class Workspace {
    friend class PairMerges;
    struct Symbol {
      TokenId id = 0;  // -1: merged into another one
      std::uint32_t previous = 0;
      std::uint32_t next = 0;
    };
    struct Proposal {
      std::uint32_t rank = 0;
      std::uint32_t left = 0;  // index of the symbol
      TokenId merged = 0;
      // Heaps keep the greatest in front: that of the lowest rank, then of the leftmost place.
      bool operator<(const Proposal& other) const noexcept {
        return rank > other.rank || (rank == other.rank && left > other.left);
      }
    };
    std::vector<Symbol> symbols;
    std::vector<Proposal> heap;
  };

  // Merges `symbols` in place as far as the rules go.
  void apply(std::vector<TokenId>& symbols, Workspace& workspace) const;

 private:
  struct Slot {
    std::uint64_t pair = kEmpty;
    std::uint32_t rank = 0;
    TokenId merged = 0;
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  const Slot* find(TokenId left, TokenId right) const noexcept;
  void propose(Workspace& workspace, std::uint32_t left) const;

  std::vector<Slot> slots_;  // open addressing with linear probing; a power of two
};

}  // namespace tandem
