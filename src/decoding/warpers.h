// Warpers: what sampling draws from. Temperature and cut-offs turn the candidates of one row into a
// probability distribution over those that are left.
//
// Cost:     O(k) for each cut-off that is set; typical_p sorts: O(k log k).
// Source:   transformers 5, generation/logits_process.py, in the order of generation/utils.py:
//           temperature, top_k, top_p, min_p, typical_p, epsilon_cutoff, eta_cutoff; probabilities
//           are normalised anew before each. Papers: Fan et al. 2018, arXiv 1805.04833 (top_k);
//           Holtzman et al. 2019, arXiv 1904.09751 (top_p); Nguyen et al. 2024, arXiv 2407.01082
//           (min_p); Meister et al. 2022, arXiv 2202.00666 (typical_p); Hewitt et al. 2022, arXiv
//           2210.15191 (epsilon and eta).
// Differs:  of several tokens that tie for the last of the k places, the lowest ids are taken, and
//           not all of them; probabilities are computed in double precision.
// Laws:     equals a transcription over the whole row (tests/decoding/warpers_test.cc).
#pragma once

#include <span>
#include <vector>

#include "base/candidate.h"

namespace tandem {

// Resolved and in range. A value that cuts nothing off is the default.
struct WarperOptions {
  double temperature = 1.0;
  int top_k = 0;  // 0: all
  double top_p = 1.0;
  double min_p = 0.0;
  double typical_p = 1.0;
  double epsilon_cutoff = 0.0;
  double eta_cutoff = 0.0;
  int min_kept = 1;  // choices that no cut-off takes away; more than 1 for beam sampling
};

// A token that may be drawn.
struct Choice {
  Candidate candidate;
  double log_p = 0;  // natural log of the probability that it is
};

// How many candidates of a row must be asked for, so that `warp` sees all that can be drawn.
int candidates_to_warp(const WarperOptions& options, TokenId vocabulary_size);

// `candidates` best first, as asked for. The choices best first; none if there is no candidate.
std::vector<Choice> warp(const WarperOptions& options, std::span<const Candidate> candidates);

// The choice at the place `uniform` (between 0 and 1) of the cumulative distribution. There must be
// one.
const Choice& draw(std::span<const Choice> choices, double uniform);

}  // namespace tandem
