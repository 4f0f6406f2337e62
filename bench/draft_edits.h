// Drafts with a corrector's edits for any other model: what a source would look like if that model
// were a corrector too, which changes it as much and in the same places.
//
// A speed depends on how long the runs of accepted tokens are, not on what the tokens are. So the
// edits that turn a corrector's source into its output are undone in the other model's output.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tandem/options.h>

namespace tandem::bench {

// The edits by which a source becomes an output, as a longest common subsequence has them: each
// output token is copied or inserted, and some source tokens stand before it that are deleted. A
// replacement is both.
struct EditScript {
  std::vector<bool> copied;         // for each output token
  std::vector<int> deleted_before;  // for each output token, and for the end

  int count() const;  // runs of neighbouring edits
};

// Cost: length of the source times that of the output.
EditScript edits_between(std::span<const TokenId> source, std::span<const TokenId> output);

// The source that these edits would turn into `output`, which is cut to their length. What they
// delete are tokens drawn from [2, vocabulary / 2) by `seed`.
std::vector<TokenId> undo(const EditScript& edits, std::span<const TokenId> output,
                          TokenId vocabulary, std::uint32_t seed);

}  // namespace tandem::bench
