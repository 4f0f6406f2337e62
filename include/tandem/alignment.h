/// Word alignments from attention: hard links between tokens, and the text format of the field.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <tandem/export.h>

namespace tandem {

/// A link between a source token and a target token, counted from 0.
struct AlignmentLink {
  std::size_t source = 0;
  std::size_t target = 0;
  friend bool operator==(const AlignmentLink&, const AlignmentLink&) = default;
};

/// Hard links of a soft alignment (Hypothesis::alignment), sorted by source and then target, by the
/// rule of marian-decoder's `--alignment` (data/alignment.cpp): a threshold of 1 links each target
/// token to its heaviest source token, the first of equals; a smaller one makes every link whose
/// weight is above it. Throws Error{invalid_argument} for a threshold below 0 or above 1.
TANDEM_EXPORT std::vector<AlignmentLink> hard_alignment(std::span<const std::vector<float>> weights,
                                                        double threshold = 1);

/// The links as "0-0 1-2 2-1", source before target: the format of Pharaoh (Koehn 2004), Moses and
/// fast_align.
TANDEM_EXPORT std::string to_pharaoh(std::span<const AlignmentLink> links);

}  // namespace tandem
