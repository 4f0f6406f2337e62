// The pointer mixture, editing by actions, and contrastive search through the public API: what they
// need of a real model.
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

const std::string kText = "She have two cat and he go home.";

const Engine& engine() {
  static const Engine instance = Engine::load(TANDEM_SOURCE_DIR "/examples/models/correct-en");
  return instance;
}

Output answer(Strategy strategy, int num_beams) {
  Request request(kText);
  request.strategy = std::move(strategy);
  request.generation.num_beams = request.generation.num_return_sequences = num_beams;
  request.generation.max_new_tokens = 24;
  return engine().generate(request);
}

TEST(CopyMixtures, A18GeneratingAlwaysIsTheModel) {
  for (const int num_beams : {1, 3}) {
    const Output plain = answer(Automatic{}, num_beams);
    const Output mixed = answer(CopyMixture{1.0, {}}, num_beams);
    ASSERT_EQ(mixed.hypotheses.size(), plain.hypotheses.size());
    for (std::size_t i = 0; i < plain.hypotheses.size(); ++i) {
      EXPECT_EQ(mixed.hypotheses[i].ids, plain.hypotheses[i].ids);
      EXPECT_EQ(mixed.hypotheses[i].token_log_probs, plain.hypotheses[i].token_log_probs);
    }
  }
}

TEST(CopyMixtures, A18CopyingAlwaysEmitsSourceTokensAlone) {
  const std::vector<TokenId> source = engine().tokenizer().encode(kText);
  for (const int num_beams : {1, 3})
    for (const Hypothesis& hypothesis : answer(CopyMixture{0.0, {}}, num_beams).hypotheses)
      for (const TokenId token : hypothesis.ids)
        EXPECT_NE(std::find(source.begin(), source.end(), token), source.end());
}

TEST(CopyMixtures, AGateIsAskedForEveryTokenAndItsErrorsAreThoseOfTheRequest) {
  std::size_t longest = 0;
  const CopyGate gate = [&](std::span<const TokenId>, std::span<const TokenId> output) {
    longest = std::max(longest, output.size());
    return 0.5;
  };
  const Output output = answer(CopyMixture{0.0, gate}, 1);
  EXPECT_EQ(longest + 1, output.hypotheses.at(0).ids.size());
  expect_error(
      [] {
        answer(CopyMixture{0.0, [](auto, auto) { return 2.0; }}, 1);
      },
      ErrorCode::invalid_argument, "from 0 to 1");
  expect_error([] { answer(CopyMixture{-1.0, {}}, 1); }, ErrorCode::invalid_argument, "generate");
}

SequenceToAction acting(ActionHead head) {
  return {std::move(head), engine().tokenizer().pad_id()};
}

TEST(SequencesToActions, A18CopyingEverywhereReturnsTheSource) {
  const ActionHead copy = [](auto, auto) { return ActionProbabilities{0, 1, 0}; };
  const std::vector<TokenId> source = engine().tokenizer().encode(kText);
  for (const int num_beams : {1, 3})
    for (const Hypothesis& hypothesis : answer(acting(copy), num_beams).hypotheses) {
      EXPECT_EQ(hypothesis.ids, source);
      EXPECT_EQ(hypothesis.text, kText);
    }
}

TEST(SequencesToActions, WhatIsSkippedIsNotInTheText) {
  const std::vector<TokenId> source = engine().tokenizer().encode(kText);
  const ActionHead skip = [&](auto, TokenId token) {
    return token == source[1] ? ActionProbabilities{1, 0, 0} : ActionProbabilities{0, 1, 0};
  };
  std::vector<TokenId> kept = source;
  std::erase(kept, source[1]);
  const Hypothesis found = answer(acting(skip), 1).hypotheses.at(0);
  EXPECT_EQ(found.ids.size(), source.size());
  EXPECT_EQ(found.text, engine().tokenizer().decode(kept));
}

TEST(SequencesToActions, TheHeadSeesTheStatesThatForcedDecodingGives) {
  std::vector<std::vector<float>> seen;
  const ActionHead copy = [&](std::span<const float> state, auto) {
    seen.emplace_back(state.begin(), state.end());
    return ActionProbabilities{0, 1, 0};
  };
  answer(acting(copy), 1);
  TargetsRequest forced;
  forced.input = kText;
  forced.targets = {engine().tokenizer().encode(kText)};
  forced.hidden_states = true;
  const HiddenStates states = engine().score(forced).targets.at(0).hidden_states;
  ASSERT_EQ(seen.size(), states.positions);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::span<const float> expected = states.at(i);
    EXPECT_EQ(seen[i], std::vector<float>(expected.begin(), expected.end()));
  }
}

TEST(SequencesToActions, WhatCannotWorkIsRefused) {
  const ActionHead copy = [](auto, auto) { return ActionProbabilities{0, 1, 0}; };
  expect_error([] { answer(acting(nullptr), 1); }, ErrorCode::invalid_argument, "head");
  const TokenId word = engine().tokenizer().encode(kText).front();
  for (const TokenId wrong : {-1, word, 1 << 20})
    expect_error(
        [&] {
          answer(SequenceToAction{copy, wrong}, 1);
        },
        ErrorCode::invalid_argument, "blank");
  Request aligned(kText);
  aligned.strategy = acting(copy);
  aligned.return_alignment = true;
  expect_error([&] { engine().generate(aligned); }, ErrorCode::unsupported, "return_alignment");
}

TEST(CopyMixtures, AModelThatReadsNoTokensIsRefused) {
  const std::string directory = std::string(TANDEM_GOLDEN_DIR) + "/hf/whisper";
  const Engine whisper = Engine::load(directory);
  Request request(Features::read_npy(directory + "/features_0_0_0.npy"));
  request.strategy = CopyMixture{};
  expect_error([&] { whisper.generate(request); }, ErrorCode::unsupported, "cannot copy");
}

TEST(ContrastiveOfEngines, WithoutAPenaltyItIsGreedyAndWithOneItIsRepeatable) {
  const Output greedy = answer(Greedy{}, 1);
  const Output same = answer(Contrastive{0.0, 4}, 1);
  EXPECT_EQ(same.hypotheses.at(0).ids, greedy.hypotheses.at(0).ids);
  EXPECT_EQ(same.hypotheses.at(0).token_log_probs, greedy.hypotheses.at(0).token_log_probs);
  const Output penalized = answer(Contrastive{0.6, 4}, 1);
  EXPECT_EQ(penalized.hypotheses.at(0).ids, answer(Contrastive{0.6, 4}, 1).hypotheses.at(0).ids);
  EXPECT_EQ(penalized.stats.decoder_passes, penalized.stats.generated_tokens + 1);
}

// The last token takes a position too.
TEST(ContrastiveOfEngines, MayFillAllPositions) {
  Request request(kText);
  request.strategy = Contrastive{0.9, 2};
  request.generation.min_new_tokens = 60;
  request.generation.suppress_tokens = {engine().tokenizer().eos_id()};
  EXPECT_NO_THROW(engine().generate(request));
}

}  // namespace
}  // namespace tandem
