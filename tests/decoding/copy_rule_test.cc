// The pointer mixture on table models (law A18).
#include "decoding/copy_rule.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/error.h>

#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/mixture_decoder.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

std::vector<Hypothesis> run_copying(const TableModel& model, CopyMixture copy,
                                    const SearchOptions& options) {
  TableDecoder decoder(model);
  decoder.source_length = options.source.size();
  MixtureDecoder mixtures(decoder, model.vocabulary_size);
  Loop loop(mixtures);
  const int handle = mixtures.mix(std::vector<MixtureDecoder::Part>{{&decoder, 0}},
                                  std::make_unique<CopyRule>(options.source, std::move(copy)));
  loop.add(handle, 0, make_search(options));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  EXPECT_FALSE(decoder.holds_sentences());
  return finished.front().search->results();
}

// By the definition, over a whole row.
std::vector<double> copying_row(const TableModel& model, double share,
                                const std::vector<TokenId>& source,
                                std::span<const TokenId> history) {
  std::vector<double> row = log_softmax(model.logits(0, history));
  for (double& value : row) value = share * std::exp(value);
  const auto attention = model.attention(0, history, source.size());
  for (std::size_t i = 0; i < source.size(); ++i)
    row[static_cast<std::size_t>(source[i])] += (1 - share) * static_cast<double>(attention[i]);
  return row;
}

TEST(CopyRule, A18TheRowSumsToOneAndIsTheDefinition) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = beam_case(seed, plain_case(seed));
    const double share = Random(seed).one_of({0.2, 0.5, 0.9});
    for (const Hypothesis& hypothesis : run_copying(model, {share, {}}, options)) {
      std::vector<TokenId> history{options.start_token};
      for (std::size_t t = 0; t < hypothesis.ids.size(); ++t) {
        const auto row = copying_row(model, share, options.source, history);
        double sum = 0;
        for (const double probability : row) sum += probability;
        EXPECT_NEAR(sum, 1.0, 1e-6);
        EXPECT_NEAR(std::exp(hypothesis.token_log_probs[t]),
                    row[static_cast<std::size_t>(hypothesis.ids[t])], 1e-6);
        history.push_back(hypothesis.ids[t]);
      }
    }
  }
}

TEST(CopyRule, A18GeneratingAlwaysIsTheModelBitForBit) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = beam_case(seed, plain_case(seed));
    expect_same({run_copying(model, {1.0, {}}, options), {}}, run(model, 0, options));
  }
}

TEST(CopyRule, A18CopyingAlwaysEmitsSourceTokensAlone) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    auto [model, options] = beam_case(seed, plain_case(seed));
    options.prefix.clear();
    for (const Hypothesis& hypothesis : run_copying(model, {0.0, {}}, options))
      for (const TokenId token : hypothesis.ids)
        EXPECT_EQ(std::count(options.source.begin(), options.source.end(), token) > 0, true);
  }
}

TEST(CopyRule, AGateSeesTheSourceAndTheOutputOfItsRow) {
  const auto share_of = [](std::span<const TokenId> output) {
    return output.size() % 2 == 0 ? 0.9 : 0.3;
  };
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = beam_case(seed, plain_case(seed));
    const CopyGate gate = [&, &source = options.source](std::span<const TokenId> seen,
                                                        std::span<const TokenId> output) {
      EXPECT_TRUE(std::equal(seen.begin(), seen.end(), source.begin(), source.end()));
      return share_of(output);
    };
    for (const Hypothesis& hypothesis : run_copying(model, {0.0, gate}, options)) {
      std::vector<TokenId> history{options.start_token};
      for (std::size_t t = 0; t < hypothesis.ids.size(); ++t) {
        const double share = share_of(std::span(history).subspan(1));
        const auto row = copying_row(model, share, options.source, history);
        EXPECT_NEAR(std::exp(hypothesis.token_log_probs[t]),
                    row[static_cast<std::size_t>(hypothesis.ids[t])], 1e-6);
        history.push_back(hypothesis.ids[t]);
      }
    }
  }
}

TEST(CopyRule, AGateThatGivesNoProbabilityIsATypedError) {
  const auto [model, options] = plain_case(1);
  for (const double share : {-0.1, 1.1, static_cast<double>(NAN)})
    expect_error(
        [&, &model = model, &options = options] {
          run_copying(model, {0.5, [&](auto, auto) { return share; }}, options);
        },
        ErrorCode::invalid_argument, "from 0 to 1");
}

}  // namespace
}  // namespace tandem::testing
