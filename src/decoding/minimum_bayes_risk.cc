#include "decoding/minimum_bayes_risk.h"

#include <cstddef>
#include <utility>
#include <variant>

#include <tandem/tokenizer.h>

#include "decoding/path.h"
#include "decoding/utility.h"

namespace tandem {

MinimumBayesRiskSearch::MinimumBayesRiskSearch(SearchOptions options)
    : options_(std::move(options)),
      risk_(std::get<MinimumBayesRisk>(options_.strategy)),
      sampling_(options_, risk_.samples) {}

std::vector<double> MinimumBayesRiskSearch::expected_utilities(
    const std::vector<Hypothesis>& samples) const {
  std::vector<NgramCounts> counts;
  for (const Hypothesis& sample : samples) {
    std::span<const TokenId> tokens = sample.ids;
    if (!tokens.empty() && options_.is_eos(tokens.back())) tokens = tokens.first(tokens.size() - 1);
    counts.push_back(risk_.utility == Utility::chrf
                         ? count_characters(options_.tokenizer->decode(tokens))
                         : count_tokens(tokens));
  }
  std::vector<double> expected(samples.size(), 0);
  if (samples.size() < 2) return expected;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t j = 0; j < samples.size(); ++j)
      if (i != j) expected[i] += utility(risk_.utility, counts[i], counts[j]);
    expected[i] /= static_cast<double>(samples.size() - 1);
  }
  return expected;
}

std::vector<Hypothesis> MinimumBayesRiskSearch::results() const {
  std::vector<Hypothesis> samples = sampling_.results();
  const std::vector<double> expected = expected_utilities(samples);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i].score = *(samples[i].expected_utility = expected[i]);
  return rank(options_, std::move(samples));
}

}  // namespace tandem
