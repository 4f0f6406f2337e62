// Every search that a law must hold in, on table models: one line each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "decoding/search_options.h"

namespace tandem::testing {

// For constraints, by the rules of either profile.
inline std::vector<SearchOptions> all_strategies(const SearchOptions& options) {
  std::vector<SearchOptions> all(5, options);
  all[1].strategy = Aggressive{};
  for (std::size_t i = 2; i < all.size(); ++i) all[i].num_beams = all[i].num_return_sequences = 4;
  all[2].strategy = Beam{};
  all[3].strategy = DiverseBeam{};
  all[3].num_beam_groups = 2;
  all[3].diversity_penalty = 0.7;
  all[4].strategy = Beam{};
  all[4].profile = Profile::marian;
  return all;
}

struct NamedSearch {
  std::string name;
  SearchOptions options;
};

// Likes prefixes whose tokens have a small sum.
inline std::vector<double> score_by_sum(std::span<const TokenId>,
                                        std::span<const std::vector<TokenId>> prefixes) {
  std::vector<double> scores;
  for (const std::vector<TokenId>& prefix : prefixes) {
    double sum = 0;
    for (const TokenId token : prefix) sum += token;
    scores.push_back(-0.05 * sum);
  }
  return scores;
}

// Each strategy with its variants.
inline std::vector<NamedSearch> every_strategy(const SearchOptions& options, std::uint64_t seed) {
  std::vector<NamedSearch> all;
  const auto add = [&](const char* name, Strategy strategy, int beams = 1) -> SearchOptions& {
    SearchOptions& added = all.emplace_back(NamedSearch{name, options}).options;
    added.strategy = std::move(strategy);
    added.num_beams = added.num_return_sequences = beams;
    added.seed = seed;
    return added;
  };
  const auto add_groups = [&](const char* name, Diversity diversity) {
    SearchOptions& added = add(name, DiverseBeam{diversity}, 4);
    added.num_beam_groups = 2;
    added.diversity_penalty = 0.7;
  };
  Aggressive lookup, relaxed, rejection;
  lookup.drafter = DraftSource::lookup;
  relaxed.verify = Verification::relaxed;
  relaxed.top_beta = 3;
  relaxed.tau = 2.0;
  rejection.verify = Verification::rejection;
  add("greedy", Greedy{});
  add("aggressive", Aggressive{});
  add("aggressive_lookup", lookup);
  add("aggressive_relaxed", relaxed);
  add("aggressive_rejection", rejection);
  add("beam", Beam{}, 4);
  add("marian_beam", Beam{}, 4).profile = Profile::marian;
  SearchOptions& ctranslate2 = add("ctranslate2_beam", Beam{}, 4);
  ctranslate2.profile = Profile::ctranslate2;
  ctranslate2.renormalize = true;
  add_groups("diverse_beam", Diversity::hamming);
  add_groups("diverse_beam_cumulative", Diversity::cumulative);
  add_groups("diverse_beam_ngram", Diversity::ngram);
  add("sample", Sample{}).num_return_sequences = 3;
  add("beam_sample", BeamSample{}, 4);
  add("stochastic_beam", StochasticBeam{}, 3);
  add("contrastive", Contrastive{});
  add("conditional_beam", ConditionalBeam{score_by_sum, 1.0, 5}, 4);
  add("ranked_sampling", RankedSampling{score_by_sum, 2, 3, 4}).num_return_sequences = 2;
  add("mbr", MinimumBayesRisk{.samples = 4, .utility = Utility::unigram_f1});
  add("smc", SequentialMonteCarlo{}).num_return_sequences = 5;
  SequentialMonteCarlo awrs;
  awrs.proposal = Proposal::awrs;
  add("smc_awrs", awrs).num_return_sequences = 5;
  return all;
}

}  // namespace tandem::testing
