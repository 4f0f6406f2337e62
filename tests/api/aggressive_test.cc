// Aggressive decoding on a real model, through the public API: the demonstration corrector on the
// 400 flawed sentences of bench/data.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

const std::string kModel = TANDEM_SOURCE_DIR "/examples/models/correct-en";

Engine load(ComputeType type, int threads = 1) {
  EngineOptions options;
  options.compute_type = type;
  options.threads = threads;
  options.device = Device::cpu();
  return Engine::load(kModel, options);
}

std::vector<std::string> flawed_sentences(std::size_t most) {
  std::ifstream file(TANDEM_SOURCE_DIR "/bench/data/correction.tsv");
  std::vector<std::string> sentences;
  for (std::string line; sentences.size() < most && std::getline(file, line);)
    sentences.push_back(line.substr(0, line.find('\t')));
  return sentences;
}

std::vector<Output> answers(const Engine& engine, const std::vector<std::string>& sentences,
                            const Strategy& strategy, std::size_t batch = 1000) {
  std::vector<Request> requests;
  for (const std::string& sentence : sentences) {
    requests.emplace_back(sentence);
    requests.back().strategy = strategy;
  }
  std::vector<Output> outputs;
  for (std::size_t first = 0; first < requests.size(); first += batch) {
    const std::size_t count = std::min(batch, requests.size() - first);
    for (Output& output : engine.generate(std::span(requests).subspan(first, count)))
      outputs.push_back(std::move(output));
  }
  return outputs;
}

std::int64_t expect_same(const std::vector<Output>& greedy, const std::vector<Output>& drafted) {
  EXPECT_EQ(greedy.size(), drafted.size());
  std::int64_t saved = 0;
  for (std::size_t i = 0; i < greedy.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_FALSE(drafted[i].error.has_value());
    if (drafted[i].error) return 0;
    EXPECT_EQ(drafted[i].hypotheses[0].ids, greedy[i].hypotheses[0].ids);
    EXPECT_EQ(drafted[i].hypotheses[0].token_log_probs, greedy[i].hypotheses[0].token_log_probs);
    EXPECT_EQ(drafted[i].hypotheses[0].score, greedy[i].hypotheses[0].score);
    EXPECT_LE(drafted[i].stats.decoder_passes, greedy[i].stats.decoder_passes);
    EXPECT_EQ(drafted[i].stats.encoder_runs, 1);  // law A25
    saved += greedy[i].stats.decoder_passes - drafted[i].stats.decoder_passes;
  }
  return saved;
}

Aggressive with(DraftSource drafter, std::optional<int> max_draft = {}) {
  Aggressive aggressive;
  aggressive.drafter = drafter;
  aggressive.max_draft = max_draft;
  return aggressive;
}

// Laws A1 and A2 on a whole test set, in float32 and in int8.
TEST(AggressiveDecoding, EqualsGreedyOnEverySentence) {
  for (const ComputeType type : {ComputeType::float32, ComputeType::int8}) {
    const Engine engine = load(type);
    const auto sentences = flawed_sentences(400);
    const auto greedy = answers(engine, sentences, Greedy{});
    EXPECT_GT(expect_same(greedy, answers(engine, sentences, with(DraftSource::source), 1)), 4000);
    EXPECT_GT(expect_same(greedy, answers(engine, sentences, with(DraftSource::source, 8))), 4000);
    EXPECT_GT(expect_same(greedy, answers(engine, sentences, with(DraftSource::lookup, 4), 7)),
              2000);
  }
}

// Law A2.
TEST(AggressiveDecoding, EqualsGreedyInEveryBatchForEveryCapAtAnyNumberOfThreads) {
  const auto sentences = flawed_sentences(32);
  const Engine one = load(ComputeType::float32), two = load(ComputeType::float32, 2);
  const auto greedy = answers(one, sentences, Greedy{});
  for (const Engine* engine : {&one, &two})
    for (const std::size_t batch : {1U, 2U, 7U, 32U})
      for (const std::optional<int> cap : {std::optional(1), std::optional(4), std::optional(16),
                                           std::optional(1000), std::optional<int>()})
        expect_same(greedy, answers(*engine, sentences, with(DraftSource::source, cap), batch));
}

TEST(AggressiveDecoding, ACallbackThatThrowsFailsItsOwnRequestOnly) {
  const Engine engine = load(ComputeType::float32);
  std::vector<Request> requests(3, Request("She have two cat."));
  for (Request& request : requests) {
    Aggressive aggressive = with(DraftSource::callback);
    aggressive.draft = [](auto, auto, int) { return std::vector<TokenId>{5, 6, 1 << 30}; };
    request.strategy = aggressive;
  }
  std::get<Aggressive>(requests[1].strategy).draft = [](auto, auto, int) -> std::vector<TokenId> {
    throw std::runtime_error("the memory is on fire");
  };
  const auto outputs = engine.generate(requests);
  ASSERT_TRUE(outputs[1].error.has_value());
  EXPECT_EQ(outputs[1].error->code(), ErrorCode::invalid_argument);
  EXPECT_NE(outputs[1].error->message().find("on fire"), std::string::npos);
  requests[0].strategy = Greedy{};
  EXPECT_EQ(outputs[0].text(), engine.generate(requests[0]).text());
  EXPECT_EQ(outputs[2].text(), outputs[0].text());
}

TEST(ModelDrafter, AModelThatDraftsForItselfIsRightAtEveryToken) {
  const auto draft = std::make_shared<const Engine>(load(ComputeType::float32));
  const Engine engine = load(ComputeType::float32);
  const auto sentences = flawed_sentences(40);
  const auto greedy = answers(engine, sentences, Greedy{});
  Aggressive aggressive = with(DraftSource::model, 1000);
  aggressive.draft_model = draft;
  const auto drafted = answers(engine, sentences, aggressive);
  expect_same(greedy, drafted);
  for (const Output& output : drafted) {
    EXPECT_EQ(output.stats.decoder_passes, 1);
    EXPECT_EQ(output.stats.accepted_tokens, output.stats.draft_tokens);
  }
}

// A draft model that is not always right rolls its cache back.
TEST(ModelDrafter, EqualsGreedyWithAQuantisedDraftModelInAnyBatch) {
  const auto draft = std::make_shared<const Engine>(load(ComputeType::int8));
  const Engine engine = load(ComputeType::float32);
  const auto sentences = flawed_sentences(60);
  const auto greedy = answers(engine, sentences, Greedy{});
  for (const std::optional<int> cap : {std::optional(1), std::optional(5), std::optional<int>()}) {
    Aggressive aggressive = with(DraftSource::model, cap);
    aggressive.draft_model = draft;
    expect_same(greedy, answers(engine, sentences, aggressive, 16));
  }
}

TEST(ModelDrafter, ManyThreadsShareOneDraftModel) {
  const auto draft = std::make_shared<const Engine>(load(ComputeType::int8));
  const Engine engine = load(ComputeType::float32, 2);
  const auto sentences = flawed_sentences(24);
  const auto greedy = answers(engine, sentences, Greedy{});
  Aggressive aggressive = with(DraftSource::model, 4);
  aggressive.draft_model = draft;
  std::vector<std::vector<Output>> found(3);
  {
    std::vector<std::jthread> threads;
    for (auto& outputs : found)
      threads.emplace_back([&] { outputs = answers(engine, sentences, aggressive); });
  }
  for (const auto& outputs : found) expect_same(greedy, outputs);
}

TEST(ModelDrafter, AnotherTargetVocabularyIsRefused) {
  const Engine engine = load(ComputeType::float32);
  Request request("She have two cat.");
  Aggressive aggressive = with(DraftSource::model);
  aggressive.draft_model =
      std::make_shared<const Engine>(Engine::load(TANDEM_GOLDEN_DIR "/hf/marian"));
  request.strategy = aggressive;
  expect_error([&] { engine.generate(request); }, ErrorCode::invalid_argument, "3000");
  Engine moved = load(ComputeType::int8);
  const Engine to = std::move(moved);
  aggressive.draft_model = std::make_shared<const Engine>(std::move(moved));  // NOLINT: on purpose
  request.strategy = aggressive;
  expect_error([&] { engine.generate(request); }, ErrorCode::invalid_argument, "moved from");
}

}  // namespace
}  // namespace tandem
