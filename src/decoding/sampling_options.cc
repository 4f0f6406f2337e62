#include "decoding/sampling_options.h"

namespace tandem {
namespace {

constexpr int kDefaultTopK = 50;  // of transformers

double share(const GenerationKeys& keys, std::optional<double> GenerationOptions::*key,
             const char* name) {
  const double value = keys.get(key, 1.0);
  if (!(value > 0 && value <= 1)) out_of_range(name, value, "above 0 and at most 1");
  return value;
}

double cutoff(const GenerationKeys& keys, std::optional<double> GenerationOptions::*key,
              const char* name) {
  const double value = keys.get(key, 0.0);
  if (!(value >= 0 && value < 1)) out_of_range(name, value, "at least 0 and below 1");
  return value;
}

}  // namespace

WarperOptions resolve_warpers(const GenerationKeys& keys) {
  WarperOptions options;
  options.temperature = keys.get(&GenerationOptions::temperature, 1.0);
  check_positive("temperature", options.temperature);
  options.top_k = keys.get(&GenerationOptions::top_k, kDefaultTopK);
  check_at_least("top_k", options.top_k, 0);
  options.top_p = share(keys, &GenerationOptions::top_p, "top_p");
  options.min_p = keys.get(&GenerationOptions::min_p, 0.0);
  if (!(options.min_p >= 0 && options.min_p <= 1))
    out_of_range("min_p", options.min_p, "from 0 to 1");
  options.typical_p = share(keys, &GenerationOptions::typical_p, "typical_p");
  options.epsilon_cutoff = cutoff(keys, &GenerationOptions::epsilon_cutoff, "epsilon_cutoff");
  options.eta_cutoff = cutoff(keys, &GenerationOptions::eta_cutoff, "eta_cutoff");
  return options;
}

bool asks_for_warpers(const GenerationOptions& request) {
  return request.temperature || request.top_k || request.top_p || request.min_p ||
         request.typical_p || request.epsilon_cutoff || request.eta_cutoff;
}

}  // namespace tandem
