// Minimum Bayes risk: samples, and of them the one that agrees best with all others.
//
// What it does:   draws `samples` outputs as Sampling does, takes each as hypothesis and all others
//                 as references, and ranks by the mean utility.
// When to use:    where the most probable output is a poor one (too short, a copy, untypical), and
//                 for data that the model knows less well.
// Cost:           `samples` rows a pass; samples^2 comparisons at the end.
// Source:         Eikema and Aziz 2020, arXiv 2005.10283, section 4 (sampling-based); utilities in
//                 utility.h.
// Differs:        a sample is no reference of itself, which changes no ranking where agreement with
//                 oneself is full.
// Rules:          end tokens are no symbols of unigram_f1 and bleu; a prefix is. `score` is
//                 `expected_utility`; ties go to the sample drawn first.
// Laws:           equals the definition over the samples that Sampling draws with the same seed
//                 (tests/decoding/minimum_bayes_risk_test.cc).
#pragma once

#include <span>
#include <vector>

#include "decoding/sampling.h"
#include "decoding/search.h"
#include "decoding/search_options.h"

namespace tandem {

class MinimumBayesRiskSearch : public Search {
 public:
  explicit MinimumBayesRiskSearch(SearchOptions options);

  std::span<const Row> rows() const override { return sampling_.rows(); }
  void advance(const Candidates& candidates) override { sampling_.advance(candidates); }
  std::vector<Hypothesis> results() const override;
  std::span<const TokenId> settled() const override { return sampling_.settled(); }

 private:
  std::vector<double> expected_utilities(const std::vector<Hypothesis>& samples) const;

  const SearchOptions options_;
  const MinimumBayesRisk risk_;
  Sampling sampling_;
};

}  // namespace tandem
