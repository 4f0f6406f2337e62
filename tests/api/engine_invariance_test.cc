// The law of invariance, through the public engine: an answer is a function of its request and the
// model alone. Whatever is in the same call, in whatever order, however small the batch and however
// many threads compute it, ids are the same and log-probabilities and scores are bit-equal.
#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <tandem/engine.h>

#include "support/bergamot.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

constexpr int kTexts = 6;
constexpr int kMostNewTokens = 24;

struct ModelChoice {
  const char* name;  // below tests/golden/hf, or one of the two that have a tokenizer
  ComputeType type;
};

// The greedy requests of a golden file have different ids and lengths each.
std::vector<Input> golden_inputs(const std::string& path) {
  std::vector<Input> inputs;
  std::ifstream file(path);
  for (std::string line; inputs.size() < kTexts && std::getline(file, line);) {
    const auto request = nlohmann::json::parse(line)["request"];
    inputs.emplace_back(request["input_ids"].get<Tokens>());
  }
  return inputs;
}

std::vector<std::string> example_lines() {
  std::vector<std::string> lines;
  std::ifstream file(std::string(TANDEM_SOURCE_DIR) + "/examples/data/flawed.en.txt");
  for (std::string line; lines.size() < kTexts && std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

Request make_request(Input input, Strategy strategy, int num_beams) {
  Request request;
  request.input = std::move(input);
  request.strategy = std::move(strategy);
  request.generation.num_beams = num_beams;
  request.generation.max_new_tokens = kMostNewTokens;
  return request;
}

// What a request can ask for, mixed: every text is asked in every way.
std::vector<Request> requests_of(const std::vector<Input>& inputs, const Tokens& prefix) {
  std::vector<Request> requests;
  for (const Input& input : inputs) {
    requests.push_back(make_request(input, Greedy{}, 1));
    requests.push_back(make_request(input, Aggressive{}, 1));
    requests.push_back(make_request(input, Beam{}, 4));
    requests.back().generation.num_return_sequences = 4;
    requests.push_back(make_request(input, DiverseBeam{}, 4));
    requests.back().profile = Profile::huggingface;
    requests.back().generation.num_beam_groups = 2;
    requests.back().generation.diversity_penalty = 0.7;
    requests.back().generation.num_return_sequences = 2;
    requests.push_back(make_request(input, Greedy{}, 1));
    requests.back().prefix = prefix;
    requests.push_back(make_request(input, Beam{}, 3));
    requests.back().prefix = prefix;
    requests.back().generation.repetition_penalty = 1.3;
    requests.back().generation.no_repeat_ngram_size = 3;
  }
  return requests;
}

void expect_same(const Hypothesis& found, const Hypothesis& expected) {
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.text, expected.text);
  EXPECT_EQ(found.token_log_probs, expected.token_log_probs);
  EXPECT_EQ(found.sum_log_prob, expected.sum_log_prob);
  EXPECT_EQ(found.score, expected.score);
  EXPECT_EQ(found.finish_reason, expected.finish_reason);
}

void expect_same(const Output& found, const Output& expected) {
  ASSERT_FALSE(found.error) << found.error->what();
  ASSERT_EQ(found.hypotheses.size(), expected.hypotheses.size());
  for (std::size_t rank = 0; rank < found.hypotheses.size(); ++rank)
    expect_same(found.hypotheses[rank], expected.hypotheses[rank]);
}

void expect_same(const Score& found, const Score& expected) {
  ASSERT_FALSE(found.error) << found.error->what();
  EXPECT_EQ(found.token_log_probs, expected.token_log_probs);
  EXPECT_EQ(found.sum_log_prob, expected.sum_log_prob);
}

void expect_same(const Translation& found, const Translation& expected) {
  ASSERT_FALSE(found.error) << found.error->what();
  EXPECT_EQ(found.text, expected.text);
  EXPECT_EQ(found.alternatives, expected.alternatives);
  EXPECT_EQ(found.sentences, expected.sentences);
}

// Asks for all of `questions` in shuffled batches of several sizes and compares each answer with
// the one that its question got alone.
template <class Question, class Answer, class Ask>
void expect_same_in_batches(const std::vector<Question>& questions,
                            const std::vector<Answer>& alone, const Ask& ask) {
  std::mt19937 random(20);
  std::vector<std::size_t> order(questions.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (const std::size_t size : {std::size_t{2}, std::size_t{5}, std::size_t{12}, order.size()}) {
    std::shuffle(order.begin(), order.end(), random);
    for (std::size_t first = 0; first < order.size(); first += size) {
      const std::size_t count = std::min(size, order.size() - first);
      std::vector<Question> batch;
      for (std::size_t i = 0; i < count; ++i) batch.push_back(questions[order[first + i]]);
      const std::vector<Answer> answers = ask(batch);
      ASSERT_EQ(answers.size(), count);
      for (std::size_t i = 0; i < count; ++i) {
        SCOPED_TRACE("question " + std::to_string(order[first + i]) + " in a batch of " +
                     std::to_string(count));
        expect_same(answers[i], alone[order[first + i]]);
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

class EngineInvariance : public testing::TestWithParam<ModelChoice> {
 protected:
  void SetUp() override {
    const std::string name = GetParam().name;
    if (name.starts_with("enpt-")) {
      directory_ = bergamot_model(name);
      if (directory_.empty()) GTEST_SKIP() << kNoBergamot;
    } else {
      directory_ = name == "correct-en"
                       ? std::string(TANDEM_SOURCE_DIR) + "/examples/models/" + name
                       : std::string(TANDEM_GOLDEN_DIR) + "/hf/" + name;
    }
    if (name == "correct-en" || name.starts_with("enpt-"))
      for (const std::string& line : example_lines()) inputs_.emplace_back(line);
    else
      inputs_ = golden_inputs(directory_ + "/cases.jsonl");
    ASSERT_EQ(inputs_.size(), std::size_t{kTexts});
  }

  Engine load(int threads, int batch_tokens = 256, std::vector<Device> replicas = {}) const {
    EngineOptions options;
    options.more_devices = std::move(replicas);
    options.device = Device::cpu();
    options.compute_type = GetParam().type;
    options.threads = threads;
    options.batch_tokens = batch_tokens;
    return Engine::load(directory_, options);
  }

  // Every request by itself, on one thread: what all other runs are compared with.
  static std::vector<Output> generate_alone(const Engine& engine,
                                            const std::vector<Request>& requests) {
    std::vector<Output> outputs;
    for (const Request& request : requests) outputs.push_back(engine.generate(request));
    return outputs;
  }

  // The engines of the law: 1, 2 and 3 threads, a budget so small that requests join a running
  // batch one by one, and replicas of the model.
  template <class Check>
  void on_every_engine(const Check& check) const {
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(std::to_string(threads) + " threads");
      check(load(threads));
    }
    SCOPED_TRACE("a budget of 32 tokens");
    check(load(1, 32));
    SCOPED_TRACE("two replicas more");
    check(load(1, 32, {Device::cpu(), Device::cpu()}));
  }

  std::string directory_;
  std::vector<Input> inputs_;
};

TEST_P(EngineInvariance, GenerateDoesNotDependOnNeighboursOrThreads) {
  const Engine one = load(1);
  const Tokens first = one.generate(make_request(inputs_[0], Greedy{}, 1)).hypotheses[0].ids;
  ASSERT_GE(first.size(), 2U);
  const std::vector<Request> requests = requests_of(inputs_, {first[0], first[1]});
  const std::vector<Output> alone = generate_alone(one, requests);
  on_every_engine([&](const Engine& engine) {
    expect_same_in_batches(
        requests, alone, [&](const std::vector<Request>& batch) { return engine.generate(batch); });
  });
}

TEST_P(EngineInvariance, OneSentenceIsTheSameOnEveryNumberOfThreads) {
  const std::vector<Request> requests = requests_of({inputs_[1]}, {});
  const std::vector<Output> alone = generate_alone(load(1), requests);
  for (const int threads : {2, 3}) {
    const std::vector<Output> outputs = generate_alone(load(threads), requests);
    for (std::size_t i = 0; i < requests.size(); ++i) expect_same(outputs[i], alone[i]);
  }
}

TEST_P(EngineInvariance, DraftsAreLossless) {
  const Engine engine = load(1);
  for (const Input& input : inputs_) {
    const Output greedy = engine.generate(make_request(input, Greedy{}, 1));
    for (const int max_draft : {1, 3, 30}) {
      Aggressive aggressive;
      aggressive.max_draft = max_draft;
      expect_same(engine.generate(make_request(input, aggressive, 1)), greedy);
    }
  }
}

TEST_P(EngineInvariance, ScoreIsWhatGenerateSaidInAnyBatch) {
  const Engine one = load(1);
  std::vector<ScoreRequest> requests;
  std::vector<Score> alone;
  for (const Input& input : inputs_) {
    Request generated = make_request(input, Beam{}, 2);
    generated.shortlist = false;  // scores are over the whole vocabulary
    const Hypothesis hypothesis = one.generate(generated).hypotheses[0];
    requests.push_back({input, hypothesis.ids, {}, {}});
    alone.push_back({hypothesis.token_log_probs, hypothesis.sum_log_prob, std::nullopt});
  }
  on_every_engine([&](const Engine& engine) {
    expect_same_in_batches(requests, alone, [&](const std::vector<ScoreRequest>& batch) {
      return engine.score(batch);
    });
  });
}

class DocumentInvariance : public EngineInvariance {};

TEST_P(DocumentInvariance, TranslateDoesNotDependOnNeighboursOrThreads) {
  std::vector<std::string> documents;
  for (const Input& input : inputs_) documents.push_back(std::get<std::string>(input));
  documents.push_back(documents[1] + "\n\n  " + documents[2] + " " + documents[4] + "\n");
  TranslateOptions options;
  options.pattern.generation.num_beams = 2;
  options.pattern.generation.num_return_sequences = 2;
  const Engine one = load(1);
  std::vector<Translation> alone;
  for (const std::string& document : documents)
    alone.push_back(one.translate(std::span(&document, 1), options).front());
  on_every_engine([&](const Engine& engine) {
    expect_same_in_batches(documents, alone, [&](const std::vector<std::string>& batch) {
      return engine.translate(batch, options);
    });
  });
}

std::string test_name(const testing::TestParamInfo<ModelChoice>& choice) {
  std::string name =
      std::string(choice.param.name) + "_" + std::string(to_string(choice.param.type));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

constexpr ModelChoice kWithText[] = {{"correct-en", ComputeType::float32},
                                     {"correct-en", ComputeType::int8},
                                     {"enpt-1693087644", ComputeType::float32},
                                     {"enpt-1693087644", ComputeType::int8}};
constexpr ModelChoice kOfIds[] = {{"marian", ComputeType::float32},  {"marian", ComputeType::int8},
                                  {"t5_v1_0", ComputeType::float32}, {"t5_v1_0", ComputeType::int8},
                                  {"bart", ComputeType::float32},    {"bart", ComputeType::int8}};

INSTANTIATE_TEST_SUITE_P(Texts, EngineInvariance, testing::ValuesIn(kWithText), test_name);
INSTANTIATE_TEST_SUITE_P(Ids, EngineInvariance, testing::ValuesIn(kOfIds), test_name);
INSTANTIATE_TEST_SUITE_P(Texts, DocumentInvariance, testing::ValuesIn(kWithText), test_name);

}  // namespace
}  // namespace tandem
