// CTC: the marginals of an enumeration of all paths, whatever the pieces in which frames come.
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/ctc.h>

#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/table_model.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

std::vector<float> random_frames(std::uint64_t seed, int frames, int symbols) {
  std::vector<float> log_probs;
  for (int t = 0; t < frames; ++t) {
    TableModel model;
    model.vocabulary_size = symbols;
    model.seed = seed;
    const Ids history{0, t};
    for (const double value : log_softmax(model.logits(t, history)))
      log_probs.push_back(static_cast<float>(value));
  }
  return log_probs;
}

Ids collapse(const Ids& path, TokenId blank) {
  Ids ids;
  for (std::size_t t = 0; t < path.size(); ++t)
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) ids.push_back(path[t]);
  return ids;
}

// The probability of every output: the sum over all paths.
std::map<Ids, double> enumerate(const std::vector<float>& log_probs, int symbols, TokenId blank) {
  const auto frames = log_probs.size() / static_cast<std::size_t>(symbols);
  std::map<Ids, double> outputs;
  Ids path(frames, 0);
  while (true) {
    double sum = 0;
    for (std::size_t t = 0; t < frames; ++t)
      sum += log_probs[t * static_cast<std::size_t>(symbols) + static_cast<std::size_t>(path[t])];
    outputs[collapse(path, blank)] += std::exp(sum);
    std::size_t t = 0;
    while (t < frames && ++path[t] == symbols) path[t++] = 0;
    if (t == frames) return outputs;
  }
}

CtcBeamOptions beam_options(int symbols, TokenId blank, int beam) {
  CtcBeamOptions options;
  options.symbols = symbols;
  options.blank = blank;
  options.beam = beam;
  options.num_best = beam;
  return options;
}

TEST(Ctc, AnUnlimitedBeamHasTheProbabilitiesOfAllPaths) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const int symbols = random.number(2, 4), frames = random.number(1, 6);
    const TokenId blank = random.number(0, symbols - 1);
    const auto log_probs = random_frames(seed, frames, symbols);
    const auto expected = enumerate(log_probs, symbols, blank);
    CtcBeam beam(beam_options(symbols, blank, 100'000));
    beam.decode(log_probs);
    const auto results = beam.results();
    ASSERT_EQ(results.size(), expected.size());
    double mass = 0;
    for (std::size_t i = 0; i < results.size(); ++i) {
      EXPECT_NEAR(std::exp(results[i].log_prob), expected.at(results[i].ids), 1e-9);
      EXPECT_GE(results[i > 0 ? i - 1 : 0].log_prob, results[i].log_prob);
      mass += std::exp(results[i].log_prob);
    }
    EXPECT_NEAR(mass, 1.0, 1e-5);
    const CtcHypothesis greedy = ctc_greedy(log_probs, symbols, blank);
    EXPECT_LE(std::exp(greedy.log_prob), expected.at(greedy.ids) + 1e-9);
  }
}

TEST(Ctc, ANarrowBeamNeverClaimsMoreThanThereIs) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto log_probs = random_frames(seed, 7, 3);
    const auto expected = enumerate(log_probs, 3, 0);
    CtcBeam beam(beam_options(3, 0, 3));
    beam.decode(log_probs);
    std::map<Ids, int> seen;
    for (const CtcHypothesis& result : beam.results()) {
      EXPECT_EQ(++seen[result.ids], 1) << "an output is in the beam twice";
      EXPECT_LE(std::exp(result.log_prob), expected.at(result.ids) + 1e-9);
      EXPECT_EQ(result.frames.size(), result.ids.size());
    }
  }
}

TEST(Ctc, PiecesGiveWhatAllFramesGive) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const auto log_probs = random_frames(seed, 20, 5);
    CtcBeam whole(beam_options(5, 4, 6)), pieces(beam_options(5, 4, 6));
    whole.decode(log_probs);
    pieces.decode(random_frames(seed + 1, 3, 5));
    pieces.reset();
    for (int t = 0; t < 20;) {
      const int count = std::min(20 - t, random.number(0, 4));
      pieces.decode(std::span(log_probs).subspan(static_cast<std::size_t>(5 * t),
                                                 static_cast<std::size_t>(5 * count)));
      t += count;
    }
    const auto a = whole.results(), b = pieces.results();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].ids, b[i].ids);
      EXPECT_EQ(a[i].frames, b[i].frames);
      EXPECT_EQ(a[i].log_prob, b[i].log_prob);
    }
  }
}

TEST(Ctc, FramesThatAreSurelyBlankChangeNothingButTheTimes) {
  const float never = -INFINITY;
  const std::vector<float> blank_frame{0, never, never};
  auto log_probs = random_frames(9, 5, 3);
  CtcBeam before(beam_options(3, 0, 100));
  before.decode(log_probs);
  log_probs.insert(log_probs.end(), blank_frame.begin(), blank_frame.end());
  log_probs.insert(log_probs.begin(), blank_frame.begin(), blank_frame.end());
  CtcBeam after(beam_options(3, 0, 100));
  after.decode(log_probs);
  ASSERT_EQ(before.results().size(), after.results().size());
  for (std::size_t i = 0; i < before.results().size(); ++i) {
    EXPECT_EQ(before.results()[i].ids, after.results()[i].ids);
    EXPECT_NEAR(before.results()[i].log_prob, after.results()[i].log_prob, 1e-9);
  }
}

TEST(Ctc, GreedyMergesRepeatsThenDropsBlanksAndSaysWhen) {
  // Best symbols by frame: 1 1 0 1 2 2 0
  const std::vector<float> log_probs{-9, -1, -9, -9, -1, -9, -1, -9, -9, -9, -1,
                                     -9, -9, -9, -1, -9, -9, -1, -1, -9, -9};
  const CtcHypothesis greedy = ctc_greedy(log_probs, 3, 0);
  EXPECT_EQ(greedy.ids, (Ids{1, 1, 2}));
  EXPECT_EQ(greedy.frames, (std::vector<int>{0, 3, 4}));
  EXPECT_EQ(greedy.log_prob, -7);
}

TEST(Ctc, AnExtensionScoreIsAddedForEachToken) {
  const auto log_probs = random_frames(4, 5, 3);
  auto expected = enumerate(log_probs, 3, 0);
  CtcBeamOptions options = beam_options(3, 0, 1000);
  options.extension_score = [](std::span<const TokenId> ids, TokenId next) {
    return 0.25 * next - 0.5 * static_cast<double>(ids.size());
  };
  CtcBeam beam(options);
  beam.decode(log_probs);
  for (const CtcHypothesis& result : beam.results()) {
    double bonus = 0;
    for (std::size_t i = 0; i < result.ids.size(); ++i)
      bonus += 0.25 * result.ids[i] - 0.5 * static_cast<double>(i);
    EXPECT_NEAR(result.log_prob, std::log(expected.at(result.ids)) + bonus, 1e-6);
  }
}

TEST(Ctc, BadInputIsRefused) {
  expect_error([] { CtcBeam beam(beam_options(3, 3, 1)); }, ErrorCode::invalid_argument, "3");
  expect_error([] { CtcBeam beam(beam_options(3, 0, 0)); }, ErrorCode::invalid_argument, "beam");
  expect_error([] { ctc_greedy(std::vector<float>(4), 3, 0); }, ErrorCode::invalid_argument,
               "multiple");
  expect_error([] { ctc_greedy(std::vector<float>(3, NAN), 3, 0); }, ErrorCode::invalid_argument,
               "NaN");
}

}  // namespace
}  // namespace tandem::testing
