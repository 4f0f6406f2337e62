// Beam sampling: near temperature 0 against beam search, otherwise against the enumeration of every
// draw that a literal transcription of its rules can make.
#include "decoding/beam_sampling.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/chi_square.h"
#include "support/random_case.h"
#include "support/run_search.h"
#include "support/table_model.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

TEST(BeamSampling, NearTemperatureZeroItIsBeamSearch) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    add_beams(seed, random_case.options);
    auto& options = random_case.options;
    if (options.num_beams == 1) continue;
    options.strategy = Beam{};
    const RunResult beam = run(random_case.model, 0, options);
    options.strategy = BeamSample{};
    options.warpers.temperature = 1e-6;
    const RunResult drawn = run(random_case.model, 0, options);
    ASSERT_EQ(drawn.hypotheses.size(), beam.hypotheses.size());
    for (std::size_t i = 0; i < beam.hypotheses.size(); ++i) {
      EXPECT_EQ(drawn.hypotheses[i].ids, beam.hypotheses[i].ids);
      EXPECT_NEAR(drawn.hypotheses[i].score * 1e-6, beam.hypotheses[i].score, 1e-4);
    }
  }
}

TEST(BeamSampling, OneBeamIsSampling) {
  RandomCase random_case = plain_case(4);
  random_case.options.strategy = BeamSample{};
  const RunResult drawn = run(random_case.model, 0, random_case.options);
  random_case.options.strategy = Sample{};
  expect_same(drawn, run(random_case.model, 0, random_case.options));
}

// transformers' `_beam_search` with do_sample, where each step's draws are followed one by one with
// their probability. The best output and how probable it is to be the best.
class DrawEnumeration {
 public:
  DrawEnumeration(const TableModel& model, const SearchOptions& options)
      : model_(model), options_(options), width_(static_cast<std::size_t>(options.num_beams)) {}

  std::map<Ids, double> best_outputs() {
    step({{{options_.start_token}, 0}}, {}, 1.0);
    return best_;
  }

 private:
  struct Beam {
    Ids ids;
    double score = 0;
  };
  using Beams = std::vector<Beam>;

  static void sort(Beams& beams) {
    std::stable_sort(beams.begin(), beams.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
  }

  // All extensions, then all ordered draws of them.
  void step(const Beams& running, const Beams& finished, double reached) {
    Beams extensions;
    for (const Beam& beam : running) {
      const auto log_probs = log_softmax(model_.logits(0, beam.ids));
      for (std::size_t token = 0; token < log_probs.size(); ++token) {
        extensions.push_back(beam);
        extensions.back().ids.push_back(static_cast<TokenId>(token));
        extensions.back().score += log_probs[token] / options_.warpers.temperature;
      }
    }
    draw(extensions, {}, finished, reached);
  }

  void draw(const Beams& left, Beams drawn, const Beams& finished, double reached) {
    if (left.empty() || drawn.size() == 2 * width_) return take(drawn, finished, reached);
    double mass = 0;
    for (const Beam& beam : left) mass += std::exp(beam.score);
    for (std::size_t i = 0; i < left.size(); ++i) {
      Beams rest = left, more = drawn;
      more.push_back(left[i]);
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      draw(rest, more, finished, reached * std::exp(left[i].score) / mass);
    }
  }

  void take(const Beams& drawn, Beams finished, double reached) {
    Beams running;
    const std::size_t length = drawn.front().ids.size() - 1;
    const bool is_last = length == static_cast<std::size_t>(options_.max_new_tokens);
    for (std::size_t rank = 0; rank < drawn.size(); ++rank) {
      Beam beam = drawn[rank];
      if (!options_.is_eos(beam.ids.back()) && !is_last) {
        running.push_back(beam);
      } else if (rank < width_) {
        beam.score /= static_cast<double>(length);
        finished.push_back(beam);
      }
    }
    sort(running);
    sort(finished);
    running.resize(std::min(running.size(), width_));
    finished.resize(std::min(finished.size(), width_));
    const bool can_improve =
        !running.empty() &&
        (finished.size() < width_ ||
         running.front().score / static_cast<double>(length) > finished.back().score);
    if (can_improve) return step(running, finished, reached);
    best_[{finished.front().ids.begin() + 1, finished.front().ids.end()}] += reached;
  }

  const TableModel& model_;
  const SearchOptions& options_;
  const std::size_t width_;
  std::map<Ids, double> best_;
};

TEST(BeamSampling, TheBestOutputHasItsFrequency) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE(seed);
    TableModel model;
    model.vocabulary_size = 3;
    model.seed = seed;
    model.sharpness = 1.5;
    SearchOptions options;
    options.vocabulary_size = 3;
    options.eos_tokens = {kEos};
    options.start_token = 1;
    options.max_new_tokens = 3;
    options.strategy = BeamSample{};
    options.num_beams = 2;
    options.warpers.temperature = 1.3;
    std::map<Ids, std::size_t> places;
    std::vector<double> probabilities;
    for (const auto& [ids, probability] : DrawEnumeration(model, options).best_outputs()) {
      places[ids] = probabilities.size();
      probabilities.push_back(probability);
    }
    std::vector<int> counts(probabilities.size(), 0);
    for (options.seed = 0; options.seed < 6000; ++options.seed) {
      const Ids best = run(model, 0, options).best().ids;
      ASSERT_EQ(places.count(best), 1U) << "an output that cannot be the best";
      ++counts[places[best]];
    }
    expect_fit(counts, probabilities);
  }
}

}  // namespace
}  // namespace tandem::testing
