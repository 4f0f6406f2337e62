// Ensembles on table models: several decoders as one, averaged in either way, under any search.
#include "decoding/geometric_mean.h"

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/mixture_decoder.h"
#include "decoding/weighted_mean.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

enum class Mean { arithmetic, geometric };

std::unique_ptr<RowRule> rule(Mean mean, std::vector<double> weights) {
  if (mean == Mean::geometric) return std::make_unique<GeometricMean>(std::move(weights));
  for (double& weight : weights) weight = std::log(weight);
  return std::make_unique<WeightedMean>(std::move(weights));
}

// Each model has a decoder of its own, which knows the source as sentence 0.
RunResult run_ensemble(const std::vector<TableModel>& models, Mean mean,
                       std::vector<double> weights, const SearchOptions& options) {
  std::vector<std::unique_ptr<TableDecoder>> decoders;
  std::vector<MixtureDecoder::Part> parts;
  for (const TableModel& model : models) {
    decoders.push_back(std::make_unique<TableDecoder>(model));
    parts.push_back({decoders.back().get(), 0});
  }
  MixtureDecoder ensemble(*decoders.front(), options.vocabulary_size);
  Loop loop(ensemble);
  loop.add(ensemble.mix(parts, rule(mean, std::move(weights))), 0, make_search(options));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  for (const auto& decoder : decoders) EXPECT_FALSE(decoder->holds_sentences());
  return {finished.front().search->results(), {}};
}

TableModel other(TableModel model) {
  model.seed += 12345;
  return model;
}

// By the definition, over a whole row.
std::vector<double> mean_row(const std::vector<TableModel>& models, Mean mean,
                             const std::vector<double>& weights, std::span<const TokenId> history) {
  std::vector<double> row(static_cast<std::size_t>(models.front().vocabulary_size), 0.0);
  double sum = 0;
  for (std::size_t token = 0; token < row.size(); ++token) {
    for (std::size_t k = 0; k < models.size(); ++k) {
      const double log_prob = log_softmax(models[k].logits(0, history))[token];
      row[token] += weights[k] * (mean == Mean::geometric ? log_prob : std::exp(log_prob));
    }
    if (mean == Mean::geometric) row[token] = std::exp(row[token]);
    sum += row[token];
  }
  for (double& probability : row) probability /= sum;
  return row;
}

void expect_close(const RunResult& a, const RunResult& b, double tolerance) {
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
    EXPECT_EQ(a.hypotheses[i].ids, b.hypotheses[i].ids);
    EXPECT_NEAR(a.hypotheses[i].score, b.hypotheses[i].score, tolerance);
  }
}

TEST(Ensemble, OfAModelWithItselfIsThatModel) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = beam_case(seed, mixed_case(seed));
    const RunResult plain = run(model, 0, options);
    for (const Mean mean : {Mean::arithmetic, Mean::geometric}) {
      expect_close(run_ensemble({model}, mean, {1.0}, options), plain, 1e-4);
      expect_close(run_ensemble({model, model, model}, mean, {0.5, 0.2, 0.3}, options), plain,
                   1e-4);
    }
  }
}

TEST(Ensemble, TheOrderOfTheModelsChangesNothing) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = beam_case(seed, mixed_case(seed));
    const TableModel second = other(model), third = other(second);
    for (const Mean mean : {Mean::arithmetic, Mean::geometric})
      expect_close(run_ensemble({third, model, second}, mean, {0.3, 0.5, 0.2}, options),
                   run_ensemble({model, second, third}, mean, {0.5, 0.2, 0.3}, options), 1e-4);
  }
}

TEST(Ensemble, GreedyTakesTheBestOfTheMeanAndRowsSumToOne) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = plain_case(seed);
    const std::vector<TableModel> models{model, other(model)};
    const std::vector<double> weights{0.7, 0.3};
    for (const Mean mean : {Mean::arithmetic, Mean::geometric}) {
      const Hypothesis best = run_ensemble(models, mean, weights, options).hypotheses.front();
      std::vector<TokenId> history{options.start_token};
      for (std::size_t t = 0; t < best.ids.size(); ++t) {
        const auto row = mean_row(models, mean, weights, history);
        const auto token = static_cast<std::size_t>(best.ids[t]);
        EXPECT_NEAR(std::exp(best.token_log_probs[t]), row[token], 1e-6);
        const bool is_chosen = t >= options.prefix.size();
        for (const double probability : row)
          EXPECT_TRUE(!is_chosen || row[token] >= probability - 1e-6);
        history.push_back(best.ids[t]);
      }
    }
  }
}

// The normaliser counts what a mask leaves out.
TEST(Ensemble, AMaskDoesNotChangeTheProbabilitiesOfWhatItAllows) {
  const auto [model, options] = plain_case(3);
  const std::vector<TableModel> models{model, other(model)};
  SearchOptions constrained = options;
  constrained.prefix.clear();
  constrained.constraint = make_trie_constraint({{5, 6}, {7, 8, 9}});
  for (const Mean mean : {Mean::arithmetic, Mean::geometric}) {
    const Hypothesis best = run_ensemble(models, mean, {0.5, 0.5}, constrained).hypotheses.front();
    if (best.ids.empty()) continue;  // the length limit leaves no room
    const std::vector<TokenId> start{options.start_token};
    const auto row = mean_row(models, mean, {0.5, 0.5}, start);
    EXPECT_NEAR(std::exp(best.token_log_probs[0]), row[static_cast<std::size_t>(best.ids[0])],
                1e-6);
  }
}

TEST(GeometricMean, WhatOneMemberRulesOutIsImpossibleAndNothingIsANumber) {
  Candidates first, second;
  for (Candidates* part : {&first, &second}) part->clear();
  const float never = -INFINITY;
  first.append(
      std::vector<Candidate>{{0, std::log(0.5F), 0}, {1, std::log(0.5F), 0}, {2, never, 0}});
  second.append(
      std::vector<Candidate>{{0, never, 0}, {1, std::log(0.25F), 0}, {2, std::log(0.75F), 0}});
  const std::vector<const Candidates*> parts{&first, &second};
  for (Candidates* part : {&first, &second}) part->end_row();
  std::vector<Candidate> mixed(3);
  GeometricMean({0.5, 0.5}).mix(parts, 0, 0, mixed);
  EXPECT_EQ(mixed[0].log_prob, never);
  EXPECT_NEAR(mixed[1].log_prob, 0, 1e-6);  // all that is left
  EXPECT_EQ(mixed[2].log_prob, never);
}

}  // namespace
}  // namespace tandem::testing
