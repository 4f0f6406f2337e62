// What a model gives besides texts, through the public API: alignments, hidden states, masked heads
// and hooks, on small models of several families.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "models/readers/npz.h"
#include "support/expect_error.h"

namespace tandem {
namespace {

using Tokens = std::vector<TokenId>;

const Tokens kSource{7, 60, 82, 32, 2};

std::string directory_of(const std::string& family) {
  return std::string(TANDEM_GOLDEN_DIR) + "/hf/" + family;
}

std::map<std::string, Tensor> recorded(const std::string& family) {
  std::map<std::string, Tensor> arrays;
  for (NpzArray& array : read_npz(directory_of(family) + "/debug.npz", Limits{}))
    arrays[array.name] = array.tensor;
  return arrays;
}

Tokens ids_of(const Tensor& tensor) {
  const auto values = tensor.data<std::int64_t>();
  return {values.begin(), values.end()};
}

Input input_of(const std::map<std::string, Tensor>& arrays) {
  if (arrays.at("input_ids").shape().elements() > 0) return ids_of(arrays.at("input_ids"));
  const Tensor& features = arrays.at("input_features");
  const auto values = features.data<float>();
  return Features{features.shape()[0], features.shape()[1], {values.begin(), values.end()}};
}

// The last of the arrays "enc0", "enc1", ...: after the stack's last norm.
const Tensor& last_of(const std::map<std::string, Tensor>& arrays, const std::string& stack) {
  int layer = 0;
  while (arrays.contains(stack + std::to_string(layer + 1))) ++layer;
  return arrays.at(stack + std::to_string(layer));
}

void expect_near(const HiddenStates& found, const Tensor& expected) {
  const auto values = expected.data<float>();
  ASSERT_EQ(found.values.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(found.values[i], values[i], 1e-4) << "number " << i;
}

class Outputs : public testing::TestWithParam<const char*> {
 protected:
  Outputs() : engine_(Engine::load(directory_of(GetParam()))) {}

  static Request request() {
    Request request(kSource);
    request.generation.num_beams = 3;
    request.generation.num_return_sequences = 2;
    request.generation.max_new_tokens = 6;
    return request;
  }

  Engine engine_;
};

TEST_P(Outputs, HiddenStatesAreThoseOfTransformers) {
  const auto arrays = recorded(GetParam());
  const Encoding encoding = engine_.encode(EncodeRequest{input_of(arrays), "", ""});
  expect_near(encoding.states, last_of(arrays, "enc"));
  EXPECT_TRUE(encoding.ids.empty() || encoding.states.positions == encoding.ids.size());
  const std::vector<float> mean = encoding.states.mean();
  ASSERT_EQ(mean.size(), encoding.states.width);
  double first = 0;
  for (std::size_t p = 0; p < encoding.states.positions; ++p) first += encoding.states.at(p)[0];
  EXPECT_NEAR(mean[0], first / static_cast<double>(encoding.states.positions), 1e-6);

  // The state of position i has seen the start token and ids[0] to ids[i - 1].
  Tokens target = ids_of(arrays.at("decoder_input_ids"));
  target.erase(target.begin());
  target.push_back(5);
  TargetsRequest score;
  score.input = input_of(arrays);
  score.targets = {target};
  score.hidden_states = true;
  const TargetScores scores = engine_.score(score);
  expect_near(scores.targets.at(0).hidden_states, last_of(arrays, "dec"));
  EXPECT_EQ(scores.stats.encoder_runs, 1);
}

// Of families whose sources are ids.
class HookedOutputs : public Outputs {};

TEST_P(HookedOutputs, AHookThatChangesNothingIsNoHookBitForBit) {
  struct Idle : LogitsHook {
    std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Idle>(); }
    void advance(TokenId) override {}
    void change(std::span<float>) const override {}
  };
  const std::vector<Strategy> strategies{Automatic{}, Greedy{}, Aggressive{}, Sample{}};
  for (const Strategy& strategy : strategies) {
    Request plain = request();
    plain.strategy = strategy;
    if (!std::holds_alternative<Automatic>(strategy)) plain.generation.num_return_sequences = 1;
    Request hooked = plain;
    hooked.logits_hook = std::make_shared<Idle>();
    const Output expected = engine_.generate(plain), found = engine_.generate(hooked);
    ASSERT_EQ(found.hypotheses.size(), expected.hypotheses.size());
    for (std::size_t i = 0; i < found.hypotheses.size(); ++i) {
      EXPECT_EQ(found.hypotheses[i].ids, expected.hypotheses[i].ids);
      EXPECT_EQ(found.hypotheses[i].token_log_probs, expected.hypotheses[i].token_log_probs);
      EXPECT_EQ(found.hypotheses[i].score, expected.hypotheses[i].score);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Outputs,
                         testing::Values("bart", "marian", "m2m100", "mbart", "nllb", "pegasus",
                                         "t5_v1_1", "umt5", "blenderbot", "whisper"));
INSTANTIATE_TEST_SUITE_P(Families, HookedOutputs,
                         testing::Values("bart", "marian", "m2m100", "mbart", "nllb", "pegasus",
                                         "t5_v1_1", "umt5", "blenderbot"));

TEST(Whisper, AlignmentsLinkTokensToPositionsOfTheEncoder) {
  const Engine engine = Engine::load(directory_of("whisper"));
  Request request(Features::read_npy(directory_of("whisper") + "/features_0_0_0.npy"));
  request.generation.max_new_tokens = 5;
  request.return_alignment = true;
  const Hypothesis found = engine.generate(request).hypotheses.at(0);
  const std::size_t positions =
      engine.encode(EncodeRequest{request.input, "", ""}).states.positions;
  ASSERT_EQ(found.alignment.size(), found.ids.size());
  for (const std::vector<float>& row : found.alignment) {
    EXPECT_EQ(row.size(), positions);
    EXPECT_NEAR(std::accumulate(row.begin(), row.end(), 0.0), 1.0, 1e-5);
  }
  const std::vector<AlignmentLink> links = hard_alignment(found.alignment);
  EXPECT_EQ(links.size(), found.ids.size());
  for (const AlignmentLink& link : links) {
    const std::vector<float>& row = found.alignment.at(link.target);
    EXPECT_EQ(row.at(link.source), *std::max_element(row.begin(), row.end()));
  }
}

class Bart : public testing::Test {
 protected:
  Bart() : engine_(Engine::load(directory_of("bart"))) {}

  std::vector<std::vector<float>> align(CrossAttentionHead head, const Tokens& target) {
    TargetsRequest request;
    request.input = kSource;
    request.targets = {target};
    request.alignment = head;
    return engine_.score(request).targets.at(0).alignment;
  }

  double score(std::vector<MaskedHead> masked) {
    TargetsRequest request;
    request.input = kSource;
    request.targets = {Tokens{79, 39, 58, 2}};
    request.masked_heads = std::move(masked);
    return engine_.score(request).targets.at(0).sum_log_prob;
  }

  Engine engine_;
};

TEST_F(Bart, AnAlignmentIsADistributionOverTheSourceAndTheSameInGenerationAndScoring) {
  for (const int layer : {0, 1}) {
    Request request(kSource);
    request.generation.num_beams = request.generation.num_return_sequences = 3;
    request.generation.max_new_tokens = 6;
    request.return_alignment = true;
    request.alignment_head = {layer, 1};
    for (const Hypothesis& hypothesis : engine_.generate(request).hypotheses) {
      EXPECT_EQ(hypothesis.alignment, align({layer, 1}, hypothesis.ids));
      ASSERT_EQ(hypothesis.alignment.size(), hypothesis.ids.size());
      for (const std::vector<float>& row : hypothesis.alignment) {
        ASSERT_EQ(row.size(), kSource.size());
        double sum = 0;
        for (const float weight : row) sum += weight;
        EXPECT_NEAR(sum, 1.0, 1e-5);
      }
    }
  }
}

TEST_F(Bart, TheMeanOverHeadsIsTheirMean) {
  const Tokens target{79, 39, 58, 2};
  std::vector<std::vector<float>> sum(target.size(), std::vector<float>(kSource.size()));
  int heads = 0;
  try {
    for (;; ++heads) {
      const auto one = align({1, heads}, target);
      for (std::size_t t = 0; t < sum.size(); ++t)
        for (std::size_t s = 0; s < sum[t].size(); ++s) sum[t][s] += one[t][s];
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);  // there are no more
  }
  ASSERT_GT(heads, 1);
  const auto mean = align({1, std::nullopt}, target);
  for (std::size_t t = 0; t < sum.size(); ++t)
    for (std::size_t s = 0; s < sum[t].size(); ++s)
      EXPECT_NEAR(mean[t][s], sum[t][s] / static_cast<float>(heads), 1e-6);
}

TEST_F(Bart, AHeadThatIsNotThereIsAnError) {
  Request request(kSource);
  request.return_alignment = true;
  request.alignment_head = {7, 0};
  expect_error([&] { engine_.generate(request); }, ErrorCode::invalid_argument, "layer 7");
  expect_error([&] { align({0, 99}, {79, 2}); }, ErrorCode::invalid_argument, "head 99");
}

TEST_F(Bart, MaskedHeadsChangeScoresAndNoMaskChangesNothing) {
  const double plain = score({});
  EXPECT_EQ(score({}), plain);
  for (const auto attention :
       {AttentionKind::encoder, AttentionKind::decoder, AttentionKind::cross})
    for (const auto mask : {HeadMask::zero, HeadMask::uniform})
      EXPECT_NE(score({{attention, 0, 0, mask}}), plain);
  EXPECT_EQ(score({}), plain);
  expect_error(
      [&] {
        score({{AttentionKind::encoder, 9, 0, HeadMask::zero}});
      },
      ErrorCode::invalid_argument, "layer 9");
}

TEST_F(Bart, ATokenIsAttributedToItsSource) {
  AttributionRequest request;
  request.input = kSource;
  request.prefix = Tokens{79};
  request.options.max_trials = 64;
  const Attribution found = attribute_to_source(engine_, request);
  EXPECT_EQ(found.ids, kSource);
  EXPECT_EQ(found.importance.back(), 0.0);  // the end token stays
  double sum = 0;
  for (const double share : found.importance) sum += share;
  EXPECT_NEAR(sum, 1.0, 1e-9);
  const auto log_probs = engine_.next_log_probs({kSource, request.prefix, {}, "", ""}).log_probs;
  EXPECT_EQ(found.target, std::max_element(log_probs.begin(), log_probs.end()) - log_probs.begin());
  EXPECT_EQ(attribute_to_source(engine_, request).importance, found.importance);
  request.target = 1'000'000;
  expect_error([&] { attribute_to_source(engine_, request); }, ErrorCode::invalid_argument,
               "target");
}

TEST_F(Bart, AHookThatThrowsIsTheErrorOfItsRequestAlone) {
  struct Throwing : LogitsHook {
    std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Throwing>(); }
    void advance(TokenId) override {}
    void change(std::span<float>) const override { throw std::runtime_error("no"); }
  };
  std::vector<Request> requests(3, Request(kSource));
  for (Request& request : requests) request.generation.max_new_tokens = 4;
  requests[1].logits_hook = std::make_shared<Throwing>();
  const std::vector<Output> outputs = engine_.generate(requests);
  ASSERT_TRUE(outputs[1].error);
  EXPECT_EQ(outputs[1].error->code(), ErrorCode::invalid_argument);
  EXPECT_FALSE(outputs[0].error || outputs[2].error);
  EXPECT_EQ(outputs[0].hypotheses.at(0).ids, outputs[2].hypotheses.at(0).ids);
}

TEST_F(Bart, AddedEmbeddingsAreInEveryAnswerAboutTheSource) {
  const std::size_t width = engine_.encode(EncodeRequest{kSource, "", ""}).states.width;
  const std::vector<AddedEmbedding> added{{1, std::vector<float>(width, 0.75F)}};
  const EncodeRequest encoded{kSource, "", "", added};
  EXPECT_NE(engine_.encode(encoded).states.values,
            engine_.encode(EncodeRequest{kSource, "", ""}).states.values);

  Request request(kSource);
  request.generation.max_new_tokens = 6;
  request.strategy = Greedy{};
  std::vector<Request> requests(3, request);
  requests[1].added_embeddings = added;
  const std::vector<Output> outputs = engine_.generate(requests);
  EXPECT_EQ(outputs[0].hypotheses.at(0).token_log_probs, outputs[2].hypotheses.at(0).token_log_probs);
  const Hypothesis& changed = outputs[1].hypotheses.at(0);
  EXPECT_NE(changed.token_log_probs, outputs[0].hypotheses.at(0).token_log_probs);
  TargetsRequest score;
  score.input = kSource;
  score.targets = {changed.ids};
  score.added_embeddings = added;
  EXPECT_EQ(engine_.score(score).targets.at(0).token_log_probs, changed.token_log_probs);
}

TEST_F(Bart, AddedEmbeddingsThatFitNothingAreRefused) {
  Request request(kSource);
  request.added_embeddings = {{99, {1.0F}}};
  expect_error([&] { engine_.generate(request); }, ErrorCode::invalid_argument, "position 99");
  for (const MixtureMode mode : {MixtureMode::token, MixtureMode::sequence}) {
    request.strategy = Mixture{{kSource, kSource}, {}, mode};
    expect_error([&] { engine_.generate(request); }, ErrorCode::unsupported, "added_embeddings");
  }
  request.strategy = Ensemble{};
  expect_error([&] { engine_.generate(request); }, ErrorCode::unsupported, "added_embeddings");
}

TEST_F(Bart, AHookForbidsATokenForGood) {
  struct Without : LogitsHook {
    TokenId token;
    explicit Without(TokenId id) : token(id) {}
    std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Without>(*this); }
    void advance(TokenId next) override { EXPECT_NE(next, token); }
    void change(std::span<float> scores) const override {
      scores[static_cast<std::size_t>(token)] = -std::numeric_limits<float>::infinity();
    }
  };
  Request request(kSource);
  request.generation.num_beams = request.generation.num_return_sequences = 4;
  request.generation.max_new_tokens = 6;
  const TokenId often = engine_.generate(request).hypotheses.at(0).ids.at(1);
  request.logits_hook = std::make_shared<Without>(often);
  for (const Hypothesis& hypothesis : engine_.generate(request).hypotheses)
    EXPECT_EQ(std::count(hypothesis.ids.begin(), hypothesis.ids.end(), often), 0);
}

}  // namespace
}  // namespace tandem
