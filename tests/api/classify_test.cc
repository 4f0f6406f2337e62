// Prediction heads: over states that are given, from files, and as Hugging Face's classifiers are
// put together, against a computation of its own on the reference backend.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "models/load_model.h"
#include "models/readers/safetensors.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/safetensors_writer.h"
#include "support/test_files.h"

namespace tandem {
namespace {

const std::vector<TokenId> kSource{7, 60, 82, 32};

// --- heads alone -------------------------------------------------------------------------------

const HiddenStates kStates{3, 2, {1, 2, 3, 4, 5, -6}};
const HeadLayer kLayer{2, 1, {10, 1}, {0.5F}, HeadActivation::none};

std::vector<std::vector<float>> apply(Pooling pooling, std::vector<HeadLayer> layers = {kLayer}) {
  return PredictionHead{std::move(layers), pooling, {}}.apply(kStates);
}

using Rows = std::vector<std::vector<float>>;

TEST(PredictionHeads, ReadThePositionsThatArePooled) {
  EXPECT_EQ(apply(Pooling::each), (Rows{{12.5F}, {34.5F}, {44.5F}}));
  EXPECT_EQ(apply(Pooling::first), (Rows{{12.5F}}));
  EXPECT_EQ(apply(Pooling::last), (Rows{{44.5F}}));
  EXPECT_EQ(apply(Pooling::mean), (Rows{{30.5F}}));
}

TEST(PredictionHeads, ApplyTheirActivations) {
  const auto with = [](HeadActivation activation, float weight) {
    const HeadLayer layer{2, 1, {weight, 0}, {}, activation};
    return apply(Pooling::first, {layer}).front().front();
  };
  EXPECT_EQ(with(HeadActivation::none, -0.5F), -0.5F);
  EXPECT_EQ(with(HeadActivation::relu, -0.5F), 0.0F);
  EXPECT_EQ(with(HeadActivation::relu, 0.5F), 0.5F);
  EXPECT_NEAR(with(HeadActivation::tanh, 0.5F), 0.46211716F, 1e-7);
  EXPECT_NEAR(with(HeadActivation::gelu, 0.5F), 0.34573123F, 1e-7);
  const HeadLayer second{1, 2, {2, -1}, {0, 1}, HeadActivation::none};
  EXPECT_EQ(apply(Pooling::first, {kLayer, second}), (Rows{{25.0F, -11.5F}}));
}

TEST(PredictionHeads, LayersThatDoNotFitAreRefused) {
  const auto refused = [](std::vector<HeadLayer> layers, const char* part) {
    expect_error([&] { apply(Pooling::each, layers); }, ErrorCode::invalid_argument, part);
  };
  refused({}, "no layers");
  refused({kLayer, kLayer}, "layer 1");
  refused({{2, 1, {1, 2, 3}, {}, HeadActivation::none}}, "3 weights");
  refused({{2, 1, {1, 2}, {1, 2}, HeadActivation::none}}, "2 biases");
  expect_error(
      [] {
        PredictionHead{{kLayer}, Pooling::each, {}}.apply({});
      },
      ErrorCode::invalid_argument, "no hidden states");
}

// --- classifiers of Hugging Face ----------------------------------------------------------------

Tensor some_tensor(Shape shape, float step) {
  Tensor tensor = Tensor::zeros(shape, DType::float32);
  const auto values = tensor.mutable_data<float>();
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 0.3F * std::sin(step * static_cast<float>(i + 1));
  return tensor;
}

struct Classifier {
  const char* family;
  const char* prefix;  // of the model inside the classifier
};
void PrintTo(const Classifier& classifier, std::ostream* out) {
  *out << classifier.family;
}

// A golden model with a head, saved under the names of ...ForSequenceClassification.
class Classifiers : public testing::TestWithParam<Classifier> {
 protected:
  Classifiers() {
    const std::string from = std::string(TANDEM_GOLDEN_DIR) + "/hf/" + GetParam().family;
    std::filesystem::copy(from + "/config.json", folder_.path() + "/config.json");
    const WeightMap stored = read_safetensors(from, Limits{});
    for (const auto& [name, weight] : stored.all())
      if (name != "lm_head.weight" && name != "final_logits_bias")
        tensors_[GetParam().prefix + name] = weight.tensor;
    const std::int64_t width =
        read_model(from, Limits{}, ComputeType::float32).model.spec.model_dim;
    tensors_["classification_head.dense.weight"] = some_tensor({width, width}, 0.37F);
    tensors_["classification_head.dense.bias"] = some_tensor({width}, 0.71F);
    tensors_["classification_head.out_proj.weight"] = some_tensor({3, width}, 0.13F);
    tensors_["classification_head.out_proj.bias"] = some_tensor({3}, 0.9F);
    folder_.write("model.safetensors", safetensors_of(tensors_));
  }

  std::vector<double> product(const std::string& layer, const std::vector<double>& x) const {
    const auto weight = tensors_.at(layer + ".weight").data<float>();
    const auto bias = tensors_.at(layer + ".bias").data<float>();
    std::vector<double> y(bias.begin(), bias.end());
    for (std::size_t out = 0; out < y.size(); ++out)
      for (std::size_t in = 0; in < x.size(); ++in) y[out] += weight[out * x.size() + in] * x[in];
    return y;
  }

  TemporaryFolder folder_;
  std::map<std::string, Tensor> tensors_;
};

TEST_P(Classifiers, ReadTheDecodersStateAtTheLastEndToken) {
  const auto reference = make_reference_backend();
  const auto network =
      load_model(folder_.path(), Limits{}, ComputeType::float32, *reference).network;
  const Engine engine = Engine::load(folder_.path());
  const PredictionHead head = PredictionHead::read_classifier(folder_.path());
  std::vector<TokenId> ids = kSource;
  ids.push_back(network->spec().eos_tokens.front());
  for (const bool has_tail : {false, true}) {
    if (has_tail) ids.push_back(11);  // what stands behind the end token does not count
    const auto states = forced_states(*network, *reference, {ids}, ids);
    const std::vector<float>& state = states.at(kSource.size());
    std::vector<double> hidden = product("classification_head.dense", {state.begin(), state.end()});
    for (double& value : hidden) value = std::tanh(value);
    const std::vector<double> expected = product("classification_head.out_proj", hidden);
    const std::vector<float> logits = classify(engine, head, {ids, "", ""});
    ASSERT_EQ(logits.size(), expected.size());
    for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], expected[i], 1e-4);
  }
  expect_error(
      [&] {
        classify(engine, head, {kSource, "", ""});
      },
      ErrorCode::invalid_argument, "no end token");
}

TEST_P(Classifiers, AHeadOverTheEncoderReadsItsStates) {
  const Engine engine = Engine::load(folder_.path());
  PredictionHead head = PredictionHead::read(
      folder_.path() + "/model.safetensors",
      {"classification_head.dense", "classification_head.out_proj"}, HeadActivation::relu);
  head.pooling = Pooling::each;
  const HiddenStates states = engine.encode(EncodeRequest{kSource, "", ""}).states;
  const Rows rows = head.apply(states);
  ASSERT_EQ(rows.size(), kSource.size());
  for (std::size_t p = 0; p < rows.size(); ++p) {
    const auto state = states.at(p);
    std::vector<double> hidden = product("classification_head.dense", {state.begin(), state.end()});
    for (double& value : hidden) value = std::max(value, 0.0);
    const std::vector<double> expected = product("classification_head.out_proj", hidden);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(rows[p][i], expected[i], 1e-4);
  }
}

TEST_P(Classifiers, LabelsAreThoseOfTheConfiguration) {
  const std::string path = folder_.path() + "/config.json";
  nlohmann::json config = nlohmann::json::parse(std::ifstream(path, std::ios::binary));
  config.erase("id2label");
  folder_.write("config.json", config.dump());
  EXPECT_TRUE(PredictionHead::read_classifier(folder_.path()).labels.empty());
  config["id2label"] = {{"0", "no"}, {"1", "perhaps"}, {"2", "yes"}};
  folder_.write("config.json", config.dump());
  EXPECT_EQ(PredictionHead::read_classifier(folder_.path()).labels,
            (std::vector<std::string>{"no", "perhaps", "yes"}));
}

INSTANTIATE_TEST_SUITE_P(Families, Classifiers,
                         testing::Values(Classifier{"bart", ""},
                                         Classifier{"t5_v1_0", "transformer."},
                                         Classifier{"t5_v1_1", "transformer."}));

TEST(PredictionHeads, WhatIsNotThereOrNotClassifiedSoIsATypedError) {
  const std::string mbart = std::string(TANDEM_GOLDEN_DIR) + "/hf/mbart";
  expect_error([&] { PredictionHead::read_classifier(mbart); }, ErrorCode::corrupt,
               "classification_head.dense.weight");
  const Engine engine = Engine::load(mbart);
  expect_error(
      [&] {
        classify(engine, {{kLayer}, Pooling::last, {}}, {kSource, "", ""});
      },
      ErrorCode::unsupported, "mbart");
}

}  // namespace
}  // namespace tandem
