// Sequential Monte Carlo against the constrained distribution, by enumeration.
#include "decoding/particle_search.h"

#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/exhaustive_search.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

std::shared_ptr<const Constraint> small_constraint() {
  return make_trie_constraint({{1, 2, 3}, {1, 3}, {2}, {2, 3, 1}, {3, 3}});
}

RandomCase small_case(std::uint64_t seed, const SequentialMonteCarlo& settings) {
  RandomCase random_case = tiny_case(seed, 4, 4);
  SearchOptions& options = random_case.options;
  options.constraint = small_constraint();
  options.strategy = settings;
  options.num_return_sequences = settings.particles;
  return random_case;
}

// The model's probability of each output that ends within the limit and meets the constraint.
std::map<Ids, double> constrained_outputs(const RandomCase& random_case) {
  std::map<Ids, double> outputs;
  for (const ScoredOutput& output : all_outputs(random_case.model, 0, random_case.options)) {
    if (output.ids.back() != kEos) continue;
    auto constraint = random_case.options.constraint->clone();
    bool meets = true;
    for (std::size_t i = 0; i + 1 < output.ids.size() && meets; ++i) {
      meets = constraint->allowed().allows(output.ids[i]);
      if (meets) constraint->advance(output.ids[i]);
    }
    if (meets && constraint->can_end()) outputs[output.ids] = std::exp(output.sum);
  }
  return outputs;
}

struct Mean {
  double sum = 0;
  double squares = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
  }
  void expect(double expected, int count, const std::string& what) const {
    const double mean = sum / count;
    const double variance = std::max(0.0, squares / count - mean * mean);
    EXPECT_NEAR(mean, expected, 4 * std::sqrt(variance / count) + 1e-9) << what;
  }
};

struct ParticleRun {
  std::vector<Hypothesis> hypotheses;
  double log_evidence = 0;
};

ParticleRun run_particles(RandomCase random_case, std::uint64_t seed) {
  random_case.options.seed = seed;
  TableDecoder decoder(random_case.model);
  Loop loop(decoder);
  loop.add(0, 0, make_search(random_case.options));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  return {finished.front().search->results(), *finished.front().search->log_evidence()};
}

// The evidence is unbiased for the mass, and evidence times weight for each output's probability.
void expect_unbiased(const RandomCase& random_case) {
  constexpr int kRuns = 4000;
  const auto outputs = constrained_outputs(random_case);
  double mass = 0;
  for (const auto& [ids, probability] : outputs) mass += probability;
  Mean evidence;
  std::map<Ids, Mean> of_output;
  for (int i = 0; i < kRuns; ++i) {
    const ParticleRun result = run_particles(random_case, static_cast<std::uint64_t>(i));
    const double estimate = std::exp(result.log_evidence);
    evidence.add(estimate);
    if (estimate == 0) continue;
    double total = 0;
    for (const Hypothesis& hypothesis : result.hypotheses) {
      ASSERT_EQ(outputs.count(hypothesis.ids), 1U) << "an output does not meet the constraint";
      ASSERT_TRUE(hypothesis.weight.has_value());
      of_output[hypothesis.ids].add(estimate * *hypothesis.weight);
      total += *hypothesis.weight;
    }
    EXPECT_NEAR(total, 1, 1e-9);
  }
  evidence.expect(mass, kRuns, "the evidence");
  for (const auto& [ids, probability] : outputs)
    of_output[ids].expect(probability, kRuns, "an output's share");
}

TEST(ParticleSearch, TheEvidenceAndTheWeightsAreUnbiased) {
  for (const Proposal proposal : {Proposal::masked, Proposal::awrs})
    for (const int particles : {1, 4})
      for (const double threshold : {0.0, 0.5, 1.0})
        for (std::uint64_t seed = 0; seed < 2; ++seed) {
          SCOPED_TRACE(std::to_string(particles) + " particles, threshold " +
                       std::to_string(threshold) + ", seed " + std::to_string(seed));
          expect_unbiased(small_case(seed, {particles, threshold, proposal}));
        }
}

// One particle that is never resampled is importance sampling under the mask.
TEST(ParticleSearch, OneParticleIsImportanceSampling) {
  const RandomCase random_case = small_case(3, {.particles = 1, .ess_threshold = 0});
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const ParticleRun result = run_particles(random_case, seed);
    if (result.log_evidence == -INFINITY) continue;
    const Ids& ids = result.hypotheses.at(0).ids;
    double log_weight = 0;
    auto constraint = random_case.options.constraint->clone();
    std::vector<TokenId> history{1};
    for (std::size_t place = 0; place < ids.size(); ++place) {
      const auto log_probs = log_softmax(random_case.model.logits(0, history));
      const bool is_last =
          place + 1 == static_cast<std::size_t>(random_case.options.max_new_tokens);
      double mass = constraint->can_end() ? std::exp(log_probs[kEos]) : 0;
      for (TokenId token = 1; token < 4 && !is_last; ++token)
        if (constraint->allowed().allows(token))
          mass += std::exp(log_probs[static_cast<std::size_t>(token)]);
      log_weight += std::log(mass);
      if (ids[place] != kEos) constraint->advance(ids[place]);
      history.push_back(ids[place]);
    }
    EXPECT_NEAR(result.log_evidence, log_weight, 1e-5);
  }
}

TEST(ParticleSearch, WithoutAConstraintTheEvidenceIsTheMassOfOutputsThatEndInTime) {
  RandomCase random_case = small_case(1, {.particles = 4});
  random_case.options.constraint = nullptr;
  double mass = 0;
  for (const ScoredOutput& output : all_outputs(random_case.model, 0, random_case.options))
    if (output.ids.back() == kEos) mass += std::exp(output.sum);
  Mean evidence;
  for (int i = 0; i < 3000; ++i)
    evidence.add(std::exp(run_particles(random_case, static_cast<std::uint64_t>(i)).log_evidence));
  evidence.expect(mass, 3000, "the evidence");
}

// Bans are part of what an output must obey, normalised scores are not touched by the constraint.
TEST(ParticleSearch, BansTakeMassAndRenormalisedScoresGiveItBack) {
  for (const Proposal proposal : {Proposal::masked, Proposal::awrs}) {
    RandomCase random_case = small_case(2, {.particles = 3, .proposal = proposal});
    random_case.options.suppress_tokens = {3};
    random_case.options.constraint = nullptr;
    random_case.options.max_new_tokens = 2;
    for (const bool renormalize : {false, true}) {
      random_case.options.renormalize = renormalize;
      double mass = 0;
      const auto log_probs = [&](std::vector<TokenId> history) {
        auto values = log_softmax(random_case.model.logits(0, history));
        values[3] = -INFINITY;
        return renormalize ? log_softmax(values) : values;
      };
      const auto first = log_probs({1});
      mass += std::exp(first[0]);
      for (const TokenId token : {1, 2})
        mass += std::exp(first[static_cast<std::size_t>(token)] + log_probs({1, token})[0]);
      Mean evidence;
      for (int i = 0; i < 3000; ++i)
        evidence.add(
            std::exp(run_particles(random_case, static_cast<std::uint64_t>(i)).log_evidence));
      evidence.expect(mass, 3000, "the evidence");
    }
  }
}

TEST(ParticleSearch, WhereEveryParticleDiesTheEvidenceIsZeroAndNothingElse) {
  for (const Proposal proposal : {Proposal::masked, Proposal::awrs}) {
    RandomCase random_case = small_case(0, {.particles = 4, .proposal = proposal});
    random_case.options.max_new_tokens = 2;
    random_case.options.constraint = make_trie_constraint({{1, 2, 3}});
    const ParticleRun result = run_particles(random_case, 0);
    EXPECT_EQ(result.log_evidence, -INFINITY);
    ASSERT_EQ(result.hypotheses.size(), 1U);
    EXPECT_EQ(result.hypotheses[0].finish_reason, FinishReason::constraint_unsatisfied);
  }
}

TEST(ParticleSearch, APrefixThatBreaksTheConstraintLeavesNothing) {
  RandomCase random_case = small_case(0, {.particles = 4});
  random_case.options.prefix = {1, 1};
  EXPECT_EQ(run_particles(random_case, 0).log_evidence, -INFINITY);
}

}  // namespace
}  // namespace tandem::testing
