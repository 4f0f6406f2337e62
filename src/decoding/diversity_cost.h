// DiversityCost: how often a token counts against a group of a diverse beam search, because of what
// the groups before it hold. `diversity_penalty` is the price of each count.
//
//   hamming     how often earlier groups chose the token at this step; a group that has stopped
//               counts as choosing the padding token
//   cumulative  each earlier output that chose the token at this step counts once, and once more
//   for
//               every earlier position at which it agrees with the running output
//   ngram       how often the token, after the running output's last one, repeats a pair of tokens
//   of
//               the earlier groups' outputs, running and finished; the end token costs nothing
//
// Cost:     O(earlier outputs) for hamming, times their length for the others, a running output.
// Source:   Vijayakumar et al. 2016, arXiv 1610.02424, section 3.2; hamming as in
// transformers 4.46,
//           HammingDiversityLogitsProcessor; cumulative as in fairseq's search.py (discount 1).
// Differs:  fairseq counts agreement between whole groups, here it is between outputs; the two are
//           the same with one beam a group. The paper leaves n open; here n is 2.
#pragma once

#include <map>
#include <vector>

#include "decoding/beam_group.h"
#include "decoding/path.h"
#include "decoding/search_options.h"

namespace tandem {

class DiversityCost {
 public:
  // `options` must outlive this.
  explicit DiversityCost(const SearchOptions& options);

  // Takes in what `group` holds after its step. `has_stopped`: it took no part in the step.
  void add(const BeamGroup& group, bool has_stopped);

  // The tokens that count if they follow `path`, and how often.
  std::map<TokenId, double> counts(const Path& path) const;

  // How many tokens may count after `path` one step from now, by what is held now: each output that
  // runs on can add one to these.
  int known_next(const Path& path) const;

 private:
  using Text = std::vector<TokenId>;  // from the start token on

  double agreement(const Text& text, const Path& path) const;
  void count_pairs(const Text& text, TokenId before, std::map<TokenId, double>& counts) const;

  const SearchOptions& options_;
  const Diversity kind_;
  std::vector<Text> chosen_;    // what earlier groups have chosen at this step
  std::vector<Text> finished_;  // what they have finished, if that counts
  int stopped_beams_ = 0;
};

}  // namespace tandem
