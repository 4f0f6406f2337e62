// Attribution by replacement: see tandem/attribution.h.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <tandem/attribution.h>
#include <tandem/error.h>

#include "decoding/random_stream.h"

namespace tandem {
namespace {

// A change of probability of exactly 1 has an infinite logit; one this near to it stands for it.
constexpr double kLargestChange = 1 - 1e-6;

void require(bool condition, const std::string& message) {
  if (!condition) throw Error(ErrorCode::invalid_argument, "attribution: " + message);
}

void check(const AttributionOptions& options) {
  const auto is_share = [](double share) { return share > 0 && share <= 1; };
  require(is_share(options.replaced), "`replaced` must be above 0 and at most 1");
  require(is_share(options.kept), "`kept` must be above 0 and at most 1");
  require(options.top_k >= 1, "`top_k` must be at least 1");
  require(options.max_trials >= 1, "`max_trials` must be at least 1");
  require(options.trials_per_check >= 1, "`trials_per_check` must be at least 1");
}

double logit_of_change(double change) {
  const double bounded = std::clamp(change, -kLargestChange, kLargestChange);
  return std::log1p(bounded) - std::log1p(-bounded);
}

std::size_t share_of(std::size_t count, double share) {
  const auto part = static_cast<std::size_t>(std::lround(share * static_cast<double>(count)));
  return std::max<std::size_t>(part, 1);
}

class Attributor {
 public:
  Attributor(const std::vector<TokenId>& ids, std::span<const std::size_t> places,
             const SourceScorer& scorer, const TokenReplacer& replace,
             const AttributionOptions& options)
      : ids_(ids), places_(places), scorer_(scorer), replace_(replace), options_(options) {
    RandomStream random(options.seed, 0, 0);
    for (std::size_t i = 0; i < places.size(); ++i) logits_.push_back(random.uniform());
  }

  Attribution run() {
    Attribution result;
    const double probability = score({ids_}).front().probability;
    while (result.trials < options_.max_trials && !result.is_sufficient) {
      const int count = std::min(options_.trials_per_check, options_.max_trials - result.trials);
      learn(result.trials, count, probability);
      result.trials += count;
      result.is_sufficient = suffices(result.trials);
    }
    result.ids = ids_;
    result.importance = importance();
    return result;
  }

 private:
  std::vector<TargetPlace> score(const std::vector<std::vector<TokenId>>& sources) const {
    std::vector<TargetPlace> found = scorer_(sources);
    require(found.size() == sources.size(), "the scorer gave " + std::to_string(found.size()) +
                                                " answers for " + std::to_string(sources.size()) +
                                                " sources");
    for (const TargetPlace& place : found)
      require(place.probability >= 0 && place.probability <= 1,
              "the scorer gave a probability that is not from 0 to 1");
    return found;
  }

  // Indices of places_, in a random order.
  std::vector<std::size_t> shuffled(RandomStream& random) const {
    std::vector<std::size_t> order(places_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1],
                order[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
    return order;
  }

  std::vector<TokenId> replace(std::span<const std::size_t> chosen, RandomStream& random) const {
    std::vector<TokenId> edited = ids_;
    for (const std::size_t i : chosen) edited[places_[i]] = replace_(places_[i], random.uniform());
    return edited;
  }

  // Trials `first` to first + count - 1.
  void learn(int first, int count, double probability) {
    const std::size_t size = share_of(places_.size(), options_.replaced);
    std::vector<std::vector<std::size_t>> orders;
    std::vector<std::vector<TokenId>> sources;
    for (int trial = first; trial < first + count; ++trial) {
      RandomStream random(options_.seed, 1, trial);
      orders.push_back(shuffled(random));
      sources.push_back(replace(std::span(orders.back()).first(size), random));
    }
    const std::vector<TargetPlace> found = score(sources);
    for (std::size_t t = 0; t < orders.size(); ++t) {
      const double step = logit_of_change(probability - found[t].probability);
      for (std::size_t i = 0; i < orders[t].size(); ++i)
        logits_[orders[t][i]] += i < size ? step : -step;
    }
  }

  // True if the most important tokens alone make the model predict the target.
  bool suffices(int trials) const {
    std::vector<std::size_t> order(places_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return logits_[a] > logits_[b]; });
    RandomStream random(options_.seed, 2, trials);
    const std::size_t kept = share_of(places_.size(), options_.kept);
    return score({replace(std::span(order).subspan(kept), random)}).front().rank <= options_.top_k;
  }

  std::vector<double> importance() const {
    const double largest = *std::max_element(logits_.begin(), logits_.end());
    double sum = 0;
    for (const double logit : logits_) sum += std::exp(logit - largest);
    std::vector<double> shares(ids_.size(), 0.0);
    for (std::size_t i = 0; i < places_.size(); ++i)
      shares[places_[i]] = std::exp(logits_[i] - largest) / sum;
    return shares;
  }

  const std::vector<TokenId>& ids_;
  const std::span<const std::size_t> places_;
  const SourceScorer& scorer_;
  const TokenReplacer& replace_;
  const AttributionOptions& options_;
  std::vector<double> logits_;  // of the importance of each place
};

}  // namespace

Attribution attribute_by_replacement(const std::vector<TokenId>& ids,
                                     std::span<const std::size_t> replaceable,
                                     const SourceScorer& scorer, const TokenReplacer& replace,
                                     const AttributionOptions& options) {
  check(options);
  require(scorer && replace, "expected a scorer and a replacer");
  std::vector<std::size_t> places(replaceable.begin(), replaceable.end());
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  require(!places.empty(), "there is no token that may be replaced");
  require(places.back() < ids.size(), "place " + std::to_string(places.back()) + " of " +
                                          std::to_string(ids.size()) + " tokens");
  return Attributor(ids, places, scorer, replace, options).run();
}

}  // namespace tandem
