#include "api/mixture_sources.h"

#include <cmath>

#include <tandem/error.h>

namespace tandem {
namespace {

// All equal where none are given.
std::vector<double> checked_weights(const Mixture& mixture) {
  std::vector<double> weights = mixture.weights;
  if (weights.empty()) weights.assign(mixture.sources.size(), 1.0);
  if (weights.size() != mixture.sources.size())
    throw Error(ErrorCode::invalid_argument,
                "the mixture has " + std::to_string(mixture.sources.size()) + " sources and " +
                    std::to_string(weights.size()) + " weights; expected one for each source");
  double sum = 0;
  for (const double weight : weights) {
    if (!std::isfinite(weight) || weight < 0)
      throw Error(ErrorCode::invalid_argument, "a weight of the mixture is " +
                                                   std::to_string(weight) +
                                                   "; expected a finite number of at least 0");
    sum += weight;
  }
  if (!(sum > 0) || !std::isfinite(sum))
    throw Error(ErrorCode::invalid_argument, "the weights of the mixture sum to " +
                                                 std::to_string(sum) +
                                                 "; expected a finite sum above 0");
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

MixtureSources encode_mixture(const EngineState& engine, const Mixture& mixture,
                              const std::string& source_lang, const std::string& target_lang) {
  if (mixture.sources.empty())
    throw Error(ErrorCode::invalid_argument, "the mixture has no sources; expected at least one");
  const auto limit = static_cast<std::size_t>(engine.options.limits.max_beams);
  if (mixture.sources.size() > limit)
    throw Error(ErrorCode::resource_exhausted,
                "the mixture has " + std::to_string(mixture.sources.size()) +
                    " sources; the limit max_beams is " + std::to_string(limit));
  const std::vector<double> weights = checked_weights(mixture);
  MixtureSources encoded;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    encoded.sources.push_back(encode_source(engine, mixture.sources[i], source_lang, target_lang));
    encoded.log_weights.push_back(std::log(weights[i]));
  }
  return encoded;
}

}  // namespace tandem
