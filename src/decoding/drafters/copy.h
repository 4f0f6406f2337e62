// CopyDrafter: guesses that the output goes on as a known text does: the source itself, or a given
// draft such as an earlier translation.
//
// What it does:   follows the output through the text. Where they agree it drafts on from the same
//                 place; after a difference it finds its place again.
// When to use:    the output shares its vocabulary and most of its tokens with the text.
// Cost:           O(new output tokens) a pass, with a constant of about 50 comparisons after a
//                 difference.
// Source:         Sun et al. 2021, arXiv 2106.04970, section 3.2: the place is found again by the
//                 shortest suffix of the output, up to 3 tokens, that occurs once in the text.
// Differs:        occurrences count only near the place where the text was left, so that common
// words
//                 in a long text do not make the suffix ambiguous or send the draft far away; and
//                 it never idles: without such a suffix it guesses that the text's token was
//                 deleted, if the output went on with one of the next tokens, or else replaced.
// Laws:           one pass for an identical text, few for an edited one (tests/decoding/
//                 copy_drafter_test.cc); the output is greedy's in any case (verify_test.cc).
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "decoding/drafter.h"

namespace tandem {

class CopyDrafter : public Drafter {
 public:
  explicit CopyDrafter(std::vector<TokenId> text) : text_(std::move(text)) {}

  std::vector<TokenId> propose(std::span<const TokenId> output, int limit) override;

 private:
  // Moves the place past the last token of `output`.
  void follow(std::span<const TokenId> output);
  bool find_by_suffix(std::span<const TokenId> output);
  bool find_by_deletion(TokenId token);

  std::vector<TokenId> text_;
  std::size_t place_ = 0;     // text_[place_] is the next guess
  std::size_t followed_ = 0;  // output tokens that `place_` takes into account
};

}  // namespace tandem
