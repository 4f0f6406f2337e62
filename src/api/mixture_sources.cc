#include "api/mixture_sources.h"

#include <cmath>

#include <tandem/error.h>

namespace tandem {

std::vector<double> normalized_weights(std::vector<double> weights, std::size_t count,
                                       const std::string& whole, const std::string& part) {
  if (weights.empty()) weights.assign(count, 1.0);
  if (weights.size() != count)
    throw Error(ErrorCode::invalid_argument,
                "the " + whole + " has " + std::to_string(count) + " " + part + "s and " +
                    std::to_string(weights.size()) + " weights; expected one for each " + part);
  double sum = 0;
  for (const double weight : weights) {
    if (!std::isfinite(weight) || weight < 0)
      throw Error(ErrorCode::invalid_argument, "a weight of the " + whole + " is " +
                                                   std::to_string(weight) +
                                                   "; expected a finite number of at least 0");
    sum += weight;
  }
  if (!(sum > 0) || !std::isfinite(sum))
    throw Error(ErrorCode::invalid_argument, "the weights of the " + whole + " sum to " +
                                                 std::to_string(sum) +
                                                 "; expected a finite sum above 0");
  for (double& weight : weights) weight /= sum;
  return weights;
}

MixtureSources encode_mixture(const EngineState& engine, const Mixture& mixture,
                              const std::string& source_lang, const std::string& target_lang,
                              TooLong too_long) {
  if (mixture.sources.empty())
    throw Error(ErrorCode::invalid_argument, "the mixture has no sources; expected at least one");
  const auto limit = static_cast<std::size_t>(engine.options.limits.max_beams);
  if (mixture.sources.size() > limit)
    throw Error(ErrorCode::resource_exhausted,
                "the mixture has " + std::to_string(mixture.sources.size()) +
                    " sources; the limit max_beams is " + std::to_string(limit));
  const std::vector<double> weights =
      normalized_weights(mixture.weights, mixture.sources.size(), "mixture", "source");
  MixtureSources encoded;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    encoded.sources.push_back(
        encode_source(engine, mixture.sources[i], source_lang, target_lang, too_long));
    encoded.log_weights.push_back(std::log(weights[i]));
  }
  return encoded;
}

}  // namespace tandem
