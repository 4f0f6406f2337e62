// Laws between strategies: where two of them must agree, whatever the model.
#include <cstddef>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/make_search.h"
#include "support/exhaustive_search.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

// A constraint that allows everything.
class AcceptAll : public Constraint {
 public:
  TokenMask allowed() const override { return {}; }
  void advance(TokenId) override {}
  bool can_end() const override { return true; }
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<AcceptAll>(); }
};

// All strategies, one after the other.
std::vector<SearchOptions> all_strategies(std::uint64_t seed, const SearchOptions& options) {
  std::vector<SearchOptions> all(11, options);
  all[0].strategy = Greedy{};
  all[1].strategy = Aggressive{};
  all[2].strategy = Beam{};
  add_beams(seed, all[2]);
  all[3].strategy = DiverseBeam{};
  all[3].num_beams = all[3].num_return_sequences = 4;
  all[3].num_beam_groups = 2;
  all[3].diversity_penalty = 0.5;
  all[4].strategy = Beam{};
  all[4].profile = Profile::marian;
  all[4].num_beams = all[4].num_return_sequences = 3;
  all[5].strategy = Sample{};
  all[5].num_return_sequences = 3;
  all[5].seed = seed;
  all[6].strategy = StochasticBeam{};
  all[6].num_beams = all[6].num_return_sequences = 3;
  all[7].strategy = MinimumBayesRisk{.samples = 4, .utility = Utility::unigram_f1};
  all[8].strategy = SequentialMonteCarlo{};
  all[9].strategy = SequentialMonteCarlo{.proposal = Proposal::awrs};
  all[8].num_return_sequences = all[9].num_return_sequences = 5;
  all[10] = all[4];
  all[10].profile = Profile::ctranslate2;
  all[10].renormalize = true;
  return all;
}

TEST(Equivalence, OneBeamIsGreedy) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    SearchOptions& options = random_case.options;
    const RunResult greedy = run(random_case.model, 0, options);
    options.strategy = Beam{};
    // A length penalty of 0 makes the first finished output final.
    options.length_penalty = 0;
    options.early_stopping = EarlyStopping::yes;
    const RunResult beam = run(random_case.model, 0, options);
    EXPECT_EQ(beam.best().ids, greedy.best().ids);
    EXPECT_EQ(beam.best().token_log_probs, greedy.best().token_log_probs);
    EXPECT_EQ(beam.best().finish_reason, greedy.best().finish_reason);
  }
}

TEST(Equivalence, OneMarianBeamIsMarianGreedyWithItsScore) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    options.profile = Profile::marian;
    options.word_penalty = 0.1;
    options.length_penalty = 0.8;
    // Scores equal the model's own where nothing edits them.
    options.repetition_penalty = options.encoder_repetition_penalty = 1;
    options.exponential_decay.reset();
    options.forced_bos_token = -1;
    options.forced_eos_tokens.clear();
    options.sequence_bias.clear();
    options.renormalize = false;
    const RunResult greedy = run(random_case.model, 0, options);
    options.strategy = Beam{};
    expect_same(greedy, run(random_case.model, 0, options));
  }
}

TEST(Equivalence, OneCTranslate2BeamIsItsGreedyWithItsScore) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions& options = random_case.options;
    options.profile = Profile::ctranslate2;
    options.length_penalty = seed % 2 == 0 ? 0.8 : 0.0;
    options.renormalize = true;
    const RunResult greedy = run(random_case.model, 0, options);
    options.strategy = Beam{};
    expect_same(greedy, run(random_case.model, 0, options));
  }
}

TEST(Equivalence, AWideBeamFindsTheBestOfAllOutputs) {
  for (std::uint64_t seed = 0; seed < 15; ++seed) {
    for (const double length_penalty : {0.0, 1.0, -0.5}) {
      for (const Profile profile : {Profile::huggingface, Profile::marian}) {
        SCOPED_TRACE(seed);
        RandomCase random_case = plain_case(seed);
        random_case.model.vocabulary_size = 4;
        SearchOptions& options = random_case.options;
        options = SearchOptions{};
        options.vocabulary_size = 4;
        options.eos_tokens = {kEos};
        options.max_new_tokens = 4;
        options.length_penalty = length_penalty;
        options.early_stopping = EarlyStopping::never;
        options.strategy = Beam{};
        options.profile = profile;
        const auto outputs = all_outputs(random_case.model, 0, options);
        options.num_beams = 256;  // 4^4
        options.num_return_sequences = static_cast<int>(outputs.size());
        const RunResult beam = run(random_case.model, 0, options);
        ASSERT_EQ(beam.hypotheses.size(), outputs.size());
        for (std::size_t i = 0; i < outputs.size(); ++i) {
          EXPECT_EQ(beam.hypotheses[i].ids, outputs[i].ids);
          EXPECT_NEAR(beam.hypotheses[i].score, outputs[i].score, 1e-5);
        }
      }
    }
  }
}

TEST(Equivalence, AcceptAllConstraintIsNoConstraint) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    for (SearchOptions options : all_strategies(seed, random_case.options)) {
      const RunResult free = run(random_case.model, 0, options);
      options.constraint = std::make_shared<AcceptAll>();
      const RunResult constrained = run(random_case.model, 0, options);
      expect_same(free, constrained);
      EXPECT_EQ(free.stats.decoder_passes, constrained.stats.decoder_passes);
    }
  }
}

TEST(Equivalence, ASentenceAloneIsTheSentenceInAnyBatch) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    std::vector<SearchOptions> options;
    for (std::uint64_t i = 0; i < 4; ++i) {
      RandomCase other = mixed_case(seed * 4 + i);
      other.options.vocabulary_size = random_case.options.vocabulary_size;
      for (auto* tokens : {&other.options.source, &other.options.prefix,
                           &other.options.suppress_tokens, &other.options.begin_suppress_tokens})
        for (TokenId& token : *tokens) token %= random_case.options.vocabulary_size;
      for (const auto& each : all_strategies(seed + i, other.options)) options.push_back(each);
    }
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < options.size(); ++i)
      jobs.push_back({static_cast<int>(i), options[i], nullptr});
    const auto together = run_batch(random_case.model, std::move(jobs));
    for (std::size_t i = 0; i < options.size(); ++i) {
      const RunResult alone = run(random_case.model, static_cast<int>(i), options[i]);
      expect_same(together[i], alone);
      EXPECT_EQ(together[i].stats.decoder_passes, alone.stats.decoder_passes);
    }
  }
}

TEST(Equivalence, TiesGoToTheLowerToken) {
  RandomCase random_case = plain_case(0);
  random_case.model.sharpness = 0;  // all tokens are equal
  SearchOptions options;
  options.vocabulary_size = random_case.model.vocabulary_size;
  options.eos_tokens = {5};
  options.max_new_tokens = 3;
  EXPECT_EQ(run(random_case.model, 0, options).best().ids, (std::vector<TokenId>{0, 0, 0}));
  options.strategy = Beam{};
  options.num_beams = 3;
  EXPECT_EQ(run(random_case.model, 0, options).best().ids, (std::vector<TokenId>{0, 0, 0}));
}

}  // namespace
}  // namespace tandem::testing
