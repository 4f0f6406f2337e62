// Mixtures on table models: the weighted mean of whole rows, under any search.
#include "decoding/mixture_decoder.h"

#include <cmath>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/row_answer.h"
#include "decoding/scoring/sequence_mixture.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

std::vector<double> logs(std::vector<double> weights) {
  for (double& weight : weights) weight = std::log(weight);
  return weights;
}

// One search over sentences 0, 1, ... of the model as a mixture. `tag_along` runs beside it.
RunResult run_mixture(const TableModel& model, std::vector<int> sentences,
                      std::vector<double> weights, const SearchOptions& options,
                      bool tag_along = false) {
  TableDecoder decoder(model);
  MixtureDecoder mixtures(decoder, model.vocabulary_size);
  Loop loop(mixtures);
  if (tag_along) loop.add(100, 1, make_search(options));
  loop.add(mixtures.mix(std::move(sentences), logs(std::move(weights))), 0, make_search(options));
  RunResult result;
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  for (const Loop::Entry& entry : finished) {
    if (entry.tag != 0) continue;
    result.hypotheses = entry.search->results();
    result.stats.decoder_passes = entry.decoder_passes;
  }
  EXPECT_FALSE(decoder.holds_sentences());
  return result;
}

std::vector<double> mean_row(const TableModel& model, std::span<const double> weights,
                             std::span<const TokenId> history) {
  std::vector<double> mean(static_cast<std::size_t>(model.vocabulary_size), 0.0);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const auto row = log_softmax(model.logits(static_cast<int>(k), history));
    for (std::size_t token = 0; token < row.size(); ++token)
      mean[token] += weights[k] * std::exp(row[token]);
  }
  return mean;
}

void expect_close(const RunResult& a, const RunResult& b, double tolerance) {
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
    EXPECT_EQ(a.hypotheses[i].ids, b.hypotheses[i].ids);
    EXPECT_NEAR(a.hypotheses[i].score, b.hypotheses[i].score, tolerance);
    EXPECT_NEAR(a.hypotheses[i].sum_log_prob, b.hypotheses[i].sum_log_prob, tolerance);
    EXPECT_EQ(a.hypotheses[i].finish_reason, b.hypotheses[i].finish_reason);
  }
}

TEST(Mixture, OfOneSentenceIsThatSentence) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    random_case.options.strategy = Beam{};
    const RunResult plain = run(random_case.model, 0, random_case.options);
    const RunResult mixed = run_mixture(random_case.model, {0}, {1.0}, random_case.options);
    expect_close(mixed, plain, 1e-4);
    for (std::size_t i = 0; i < plain.hypotheses.size(); ++i)
      EXPECT_EQ(mixed.hypotheses[i].token_log_probs, plain.hypotheses[i].token_log_probs);
    EXPECT_EQ(mixed.stats.decoder_passes, plain.stats.decoder_passes);
  }
}

TEST(Mixture, GreedyTakesTheBestOfTheWeightedMean) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    const std::vector<double> weights{0.5, 0.2, 0.3};
    const Hypothesis best =
        run_mixture(random_case.model, {0, 1, 2}, weights, random_case.options).best();
    std::vector<TokenId> history{random_case.options.start_token};
    for (std::size_t t = 0; t < best.ids.size(); ++t) {
      const auto mean = mean_row(random_case.model, weights, history);
      double sum = 0;
      for (const double probability : mean) sum += probability;
      EXPECT_NEAR(sum, 1.0, 1e-9);
      const auto token = static_cast<std::size_t>(best.ids[t]);
      EXPECT_NEAR(std::exp(best.token_log_probs[t]), mean[token], 1e-6);
      const bool is_chosen = t >= random_case.options.prefix.size();
      for (const double probability : mean)
        EXPECT_TRUE(!is_chosen || mean[token] >= probability - 1e-6);
      history.push_back(best.ids[t]);
    }
  }
}

TEST(Mixture, AWideBeamFindsTheBestOutputOfTheMixture) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    TableModel model;
    model.vocabulary_size = 4;
    model.seed = seed;
    SearchOptions options;
    options.vocabulary_size = 4;
    options.eos_tokens = {0};
    options.start_token = 1;
    options.max_new_tokens = 3;
    options.strategy = Beam{};
    options.num_beams = options.num_return_sequences = 64;
    options.length_penalty = 0;
    const std::vector<double> weights{0.6, 0.4};
    double best = -INFINITY;
    for (int code = 0; code < 64; ++code) {
      std::vector<TokenId> history{1};
      double sum = 0;
      for (int t = 0, rest = code; t < 3 && (t == 0 || history.back() != 0); ++t, rest /= 4) {
        sum += std::log(mean_row(model, weights, history)[static_cast<std::size_t>(rest % 4)]);
        history.push_back(rest % 4);
      }
      best = std::max(best, sum);
    }
    EXPECT_NEAR(run_mixture(model, {0, 1}, weights, options).best().score, best, 1e-5);
  }
}

TEST(Mixture, TheOrderOfTheSourcesAndOtherSentencesChangeNothing) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    random_case.options.strategy = Beam{};
    const auto& [model, options] = random_case;
    const RunResult first = run_mixture(model, {0, 1, 2}, {0.5, 0.2, 0.3}, options);
    expect_close(run_mixture(model, {2, 0, 1}, {0.3, 0.5, 0.2}, options), first, 1e-5);
    expect_same(run_mixture(model, {0, 1, 2}, {0.5, 0.2, 0.3}, options, true), first);
  }
}

TEST(Mixture, ForOneTokenTheModesAgree) {
  const TableModel model = plain_case(1).model;
  const std::vector<double> weights{0.7, 0.3};
  const std::vector<TokenId> history{1};
  const auto mean = mean_row(model, weights, history);
  for (std::size_t token = 0; token < mean.size(); ++token) {
    std::vector<std::vector<float>> parts;
    for (int k = 0; k < 2; ++k)
      parts.push_back({static_cast<float>(log_softmax(model.logits(k, history))[token])});
    const MixedSequence mixed = mix_sequence(std::vector<SequencePart>{
        {std::log(weights[0]), parts[0]}, {std::log(weights[1]), parts[1]}});
    EXPECT_NEAR(std::exp(mixed.sum_log_prob), mean[token], 1e-6);
  }
}

// Any question over a row has the answer that the decoder itself would give.
TEST(RowAnswer, IsTheAnswerOfTheFiveSteps) {
  using Kind = ScoreEdit::Kind;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const TableModel model = plain_case(seed).model;
    const auto logits = model.logits(0, std::vector<TokenId>{1});
    CandidateQuery query;
    query.top_k = random.number(1, model.vocabulary_size);
    query.renormalize = random.chance(30);
    query.ranked = random.chance(80);
    // The table decoder refuses a relative change of a token that is out.
    const bool all_stay = seed % 2 == 0;
    if (!all_stay && random.chance(60))
      query.mask = TokenMask::only(random.tokens(0, 6, model.vocabulary_size));
    if (!query.ranked) {
      query.renormalize = false;
      query.top_k = model.vocabulary_size;
    }
    for (int i = query.ranked ? random.number(0, 5) : 0; i > 0; --i) {
      const Kind kind =
          all_stay ? random.one_of({Kind::penalize, Kind::add, Kind::add_relative})
                   : random.one_of({Kind::ban, Kind::penalize, Kind::add, Kind::add, Kind::force});
      const auto token = random.number(0, model.vocabulary_size - 1);
      query.edits.push_back({kind, token, random.one_of({0.5F, 1.5F, 2.0F})});
    }
    std::vector<Candidate> row = answer(row_query(query, model.vocabulary_size), logits);
    answer_over_row(query, row);
    const std::vector<Candidate> expected = answer(query, logits);
    ASSERT_EQ(row.size(), expected.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      EXPECT_EQ(row[i].token, expected[i].token);
      EXPECT_EQ(row[i].log_prob, expected[i].log_prob);
      EXPECT_NEAR(row[i].score, expected[i].score, 1e-5);
    }
  }
}

TEST(SequenceMixture, IsTheSumOverSourcesAndItsTokensSumToIt) {
  const std::vector<float> first{-0.5F, -2.0F, -0.1F}, second{-3.0F, -0.25F, -4.0F};
  const MixedSequence mixed =
      mix_sequence(std::vector<SequencePart>{{std::log(0.25), first}, {std::log(0.75), second}});
  EXPECT_NEAR(mixed.sum_log_prob, std::log(0.25 * std::exp(-2.6) + 0.75 * std::exp(-7.25)), 1e-6);
  double sum = 0;
  for (const float log_prob : mixed.token_log_probs) sum += log_prob;
  EXPECT_NEAR(sum, mixed.sum_log_prob, 1e-6);
  EXPECT_NEAR(mixed.token_log_probs[0], std::log(0.25 * std::exp(-0.5) + 0.75 * std::exp(-3.0)),
              1e-6);
}

TEST(SequenceMixture, AnOutputThatNoSourceCanProduceHasProbabilityZero) {
  const std::vector<float> never{-1.0F, -INFINITY, -1.0F};
  const MixedSequence mixed = mix_sequence(std::vector<SequencePart>{{0.0, never}});
  EXPECT_EQ(mixed.sum_log_prob, -INFINITY);
  EXPECT_EQ(mixed.token_log_probs[2], -INFINITY);
}

}  // namespace
}  // namespace tandem::testing
