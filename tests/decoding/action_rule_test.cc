// Editing by actions on table models (law A18): rows by the definition, pointers of hypotheses, and
// constraints that do not see what is skipped.
#include "decoding/action_rule.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/error.h>

#include "decoding/constraints/letting_pass.h"
#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/mixture_decoder.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

std::vector<Hypothesis> run_actions(const TableModel& model, const SequenceToAction& actions,
                                    const SearchOptions& options) {
  TableDecoder decoder(model);
  MixtureDecoder mixtures(decoder, model.vocabulary_size);
  Loop loop(mixtures);
  const int handle = mixtures.mix(std::vector<MixtureDecoder::Part>{{&decoder, 0}},
                                  std::make_unique<ActionRule>(options.source, actions));
  loop.add(handle, 0, make_search(options));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  EXPECT_FALSE(decoder.holds_sentences());
  return finished.front().search->results();
}

// A head of two linear maps and a softmax over the state and the token.
ActionProbabilities some_head(std::span<const float> state, TokenId token) {
  const double skip = std::exp(2.0 * state[0] - 0.1 * token);
  const double copy = std::exp(1.0 + 3.0 * state[1]);
  const double generate = std::exp(0.5 + 2.0 * state[2] + 0.05 * token);
  const double sum = skip + copy + generate;
  return {skip / sum, copy / sum, generate / sum};
}

ActionHead always(ActionProbabilities actions) {
  return [=](auto, auto) { return actions; };
}

// What the decoder has been fed for `ids`, and the source token that is next.
struct Place {
  Tokens fed;
  TokenId next;
};
Place place_after(const SearchOptions& options, TokenId blank, std::span<const TokenId> ids) {
  Place place{{options.start_token}, 0};
  std::size_t pointer = 0;
  for (const TokenId token : ids) {
    const bool moves = token == blank || token == options.source[pointer];
    if (moves) pointer = std::min(pointer + 1, options.source.size() - 1);
    place.fed.push_back(token == blank ? place.fed.back() : token);
  }
  place.next = options.source[pointer];
  return place;
}

// By the definition, over a whole row.
std::vector<double> action_row(const TableModel& model, TokenId blank, const Place& place) {
  const ActionProbabilities actions = some_head(model.hidden(0, place.fed), place.next);
  std::vector<double> row = log_softmax(model.logits(0, place.fed));
  double mass = 0;
  for (double& value : row) value = std::exp(value);
  row[static_cast<std::size_t>(blank)] = row[static_cast<std::size_t>(place.next)] = 0;
  for (const double value : row) mass += value;
  for (double& value : row) value *= actions.generate / mass;
  row[static_cast<std::size_t>(blank)] += actions.skip;
  row[static_cast<std::size_t>(place.next)] += actions.copy;
  return row;
}

// The last token of the vocabulary is the blank, also where it is the start token or in the source.
RandomCase action_case(std::uint64_t seed) {
  RandomCase random_case = plain_case(seed);
  add_beams(seed, random_case.options);
  random_case.options.strategy = Beam{};
  if (seed % 3 == 0) random_case.options.start_token = random_case.model.vocabulary_size - 1;
  return random_case;
}

TEST(ActionRule, A18TheRowSumsToOneAndIsTheDefinitionForEveryHypothesis) {
  std::size_t blanks = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const auto [model, options] = action_case(seed);
    const TokenId blank = model.vocabulary_size - 1;
    for (const Hypothesis& hypothesis : run_actions(model, {some_head, blank}, options)) {
      for (std::size_t t = 0; t < hypothesis.ids.size(); ++t) {
        const Place place = place_after(options, blank, std::span(hypothesis.ids).first(t));
        const auto row = action_row(model, blank, place);
        double sum = 0;
        for (const double probability : row) sum += probability;
        EXPECT_NEAR(sum, 1.0, 1e-6);
        EXPECT_NEAR(std::exp(hypothesis.token_log_probs[t]),
                    row[static_cast<std::size_t>(hypothesis.ids[t])], 1e-6);
      }
      blanks +=
          static_cast<std::size_t>(std::count(hypothesis.ids.begin(), hypothesis.ids.end(), blank));
    }
  }
  EXPECT_GT(blanks, 100U);
}

TEST(ActionRule, GreedyTakesTheBestOfTheRow) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    auto [model, options] = plain_case(seed);
    options.prefix.clear();
    const TokenId blank = model.vocabulary_size - 1;
    const Tokens ids = run_actions(model, {some_head, blank}, options).front().ids;
    for (std::size_t t = 0; t < ids.size(); ++t) {
      const Place place = place_after(options, blank, std::span(ids).first(t));
      const auto row = action_row(model, blank, place);
      EXPECT_EQ(ids[t], std::max_element(row.begin(), row.end()) - row.begin());
    }
  }
}

TEST(ActionRule, A18CopyingEverywhereGivesTheSourceInEverySearch) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    auto [model, options] = plain_case(seed);
    options.prefix.clear();
    options.max_new_tokens = 20;
    const auto end =
        std::find_if(options.source.begin(), options.source.end(),
                     [&, &options = options](TokenId id) { return options.is_eos(id); });
    const Tokens expected(options.source.begin(), end + 1);
    const SequenceToAction copying{always({0, 1, 0}), model.vocabulary_size - 1};
    for (const Strategy& strategy :
         std::vector<Strategy>{Greedy{}, Beam{}, DiverseBeam{}, Sample{}, StochasticBeam{}}) {
      options.strategy = strategy;
      options.num_beams = options.num_return_sequences =
          std::holds_alternative<Greedy>(strategy) ? 1 : 4;
      options.num_beam_groups = std::holds_alternative<DiverseBeam>(strategy) ? 2 : 1;
      for (const Hypothesis& hypothesis : run_actions(model, copying, options)) {
        EXPECT_EQ(hypothesis.ids, expected);
        EXPECT_EQ(hypothesis.sum_log_prob, 0);
      }
    }
  }
}

TEST(ActionRule, SkippingAndCopyingByTurnsLeavesOutEverySecondToken) {
  auto [model, options] = plain_case(4);
  options.prefix.clear();
  options.eos_tokens = {kEos};
  options.source = {5, 6, 7, 8, kEos};
  options.max_new_tokens = 20;
  const ActionHead by_turns = [](auto, TokenId token) {
    return token % 2 == 0 && token != kEos ? ActionProbabilities{1, 0, 0}
                                           : ActionProbabilities{0, 1, 0};
  };
  EXPECT_EQ(run_actions(model, {by_turns, 9}, options).front().ids, (Tokens{5, 9, 7, 9, kEos}));
}

TEST(ActionRule, AHeadThatGivesNoProbabilitiesIsATypedError) {
  const auto [model, options] = plain_case(1);
  for (const ActionProbabilities& wrong :
       {ActionProbabilities{-0.5, 1, 0.5}, {0.5, 0.5, 0.5}, {NAN, 1, 0}})
    expect_error(
        [&, &model = model, &options = options] {
          run_actions(model, {always(wrong), 4}, options);
        },
        ErrorCode::invalid_argument, "sum to 1");
}

TEST(ActionRule, AConstraintDoesNotSeeWhatIsSkipped) {
  std::set<Tokens> found;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    auto [model, options] = action_case(seed);
    options.prefix.clear();
    options.max_new_tokens = 14;
    const TokenId blank = model.vocabulary_size - 1;
    const std::set<Tokens> members{{4, 5, 6}, {4, 6}, {7, 8}, {9}};
    options.constraint = let_pass(blank, make_trie_constraint({members.begin(), members.end()}));
    for (Hypothesis& hypothesis : run_actions(model, {some_head, blank}, options)) {
      if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
      std::erase_if(hypothesis.ids, [&, &options = options](TokenId id) {
        return id == blank || options.is_eos(id);
      });
      EXPECT_TRUE(members.contains(hypothesis.ids));
      found.insert(hypothesis.ids);
    }
  }
  EXPECT_EQ(found.size(), 4U);
}

TEST(ActionRule, ATokenPassesMasksOfEveryKind) {
  const auto banned = let_pass(70, make_banned_phrases_constraint({{3}}, 64));
  const auto listed = let_pass(70, make_trie_constraint({{3, 4}}));
  for (const auto& constraint : {banned, listed}) {
    const auto state = constraint->clone();
    EXPECT_TRUE(state->allowed().allows(70));
    EXPECT_FALSE(state->allowed().allows(71));
    state->advance(70);
    EXPECT_TRUE(state->allowed().allows(70));
  }
  EXPECT_FALSE(banned->allowed().allows(3));
  EXPECT_TRUE(banned->allowed().allows(5));
  EXPECT_TRUE(listed->allowed().allows(3));
  EXPECT_FALSE(listed->allowed().allows(4));
}

}  // namespace
}  // namespace tandem::testing
