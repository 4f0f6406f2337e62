// LookupDrafter: guesses that the output goes on as it did, or as the source does, where the last
// few tokens stood before.
//
// When to use:    outputs that quote the source or repeat themselves in another order than the
//                 source's: summaries, answers, code, tables. Where the output follows its source
//                 from begin to end, copy.h is better, which never loses its place.
// Cost:           O(source + output) a pass; no model.
// Source:         prompt lookup decoding (Saxena 2023, github apoorvumang/prompt-lookup-decoding;
//                 transformers, PromptLookupCandidateGenerator), here also over the source of an
//                 encoder-decoder model, after Sun et al. 2021, arXiv 2106.04970.
// Rule:           the last 3 tokens, else the last 2, else the last one; of several places the
//                 first, the source before the output. Measured with drafts of at most 8 tokens, in
//                 tokens a pass: JFLEG's test corrections 2.52, and 2.48 with the most recent place
//                 instead; the corrections of bench/data 5.08 and 5.00.
// Laws:           tests/decoding/lookup_drafter_test.cc, against a transcription of the rule.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "decoding/drafter.h"

namespace tandem {

class LookupDrafter : public Drafter {
 public:
  explicit LookupDrafter(std::vector<TokenId> source) : source_(std::move(source)) {}

  std::vector<TokenId> propose(std::span<const TokenId> output, int limit) override;

 private:
  std::vector<TokenId> source_;
};

}  // namespace tandem
