// The T5 families: what a configuration and tensors mean where the checkpoints differ, and what is
// refused.
#include "models/families/t5.h"

#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/encoder_decoder.h"
#include "models/readers/safetensors.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/random_tensors.h"

namespace tandem {
namespace {

const std::vector<TokenId> kSource{5, 17, 3, 39, 8, 1};
const std::vector<TokenId> kTarget{7, 2, 31, 1};

// A golden model with changes.
struct Checkpoint {
  explicit Checkpoint(const std::string& name = "t5_v1_0") {
    const std::string directory = std::string(TANDEM_GOLDEN_DIR) + "/hf/" + name;
    std::ifstream(directory + "/config.json") >> config;
    tensors = read_safetensors(directory, Limits{}).all();
  }

  FamilyModel load() const {
    WeightMap weights("model.safetensors");
    for (const auto& [name, weight] : tensors) weights.add(name, weight);
    FamilyModel model = load_t5(JsonObject(config, "config.json"), weights, Limits{});
    weights.check_all_used();
    return model;
  }
  std::vector<std::vector<float>> logits(const std::vector<TokenId>& source = kSource) const {
    const auto backend = make_cpu_backend(1);
    const FamilyModel model = load();
    const EncoderDecoder network(model.spec, model.weights, ComputeType::float32, *backend);
    return forced_logits(network, *backend, source, kTarget);
  }
  void rename(const std::string& from, const std::string& to) {
    auto node = tensors.extract(from);
    node.key() = to;
    tensors.insert(std::move(node));
  }

  nlohmann::json config;
  std::map<std::string, Weight> tensors;
};

TEST(T5, TheSpecSaysWhatTheConfigSaysAndWhereItStands) {
  const ModelSpec spec = Checkpoint("t5_v1_1").load().spec;
  EXPECT_EQ(spec.model_dim, 48);
  EXPECT_EQ(spec.head_dim, 8);
  EXPECT_EQ(spec.encoder.heads, 5);
  EXPECT_EQ(spec.encoder.layers, 3);
  EXPECT_EQ(spec.decoder.layers, 2);
  EXPECT_EQ(spec.sources.at("decoder.layers"), "config.json: num_decoder_layers");
  EXPECT_EQ(spec.activation, Activation::gelu_tanh);
  EXPECT_TRUE(spec.gated_feed_forward);
  EXPECT_EQ(spec.norm, NormKind::rms);
  EXPECT_EQ(spec.norm_epsilon, 1e-6F);
  EXPECT_EQ(spec.relative_bias, RelativeBias::shared_by_layers);
  EXPECT_EQ(Checkpoint("umt5").load().spec.relative_bias, RelativeBias::each_layer);
  EXPECT_EQ(spec.encoder.max_positions, 0) << "any length";
  EXPECT_EQ(spec.decoder_start_token, 0);
  EXPECT_EQ(spec.eos_tokens, std::vector<TokenId>{1});
  EXPECT_FALSE(spec.output_bias);
}

// Old configurations leave out what had its default, and the decoder's depth where both are equal.
TEST(T5, KeysThatAreNotWrittenHaveTheDefaultsOfTransformers) {
  Checkpoint bare;
  for (const char* key :
       {"relative_attention_num_buckets", "relative_attention_max_distance", "feed_forward_proj",
        "layer_norm_epsilon", "decoder_start_token_id", "pad_token_id", "eos_token_id",
        "scale_decoder_outputs", "tie_word_embeddings"})
    bare.config.erase(key);
  EXPECT_EQ(bare.logits(), Checkpoint().logits());
  EXPECT_EQ(bare.load().spec.eos_tokens, std::vector<TokenId>{1});
  EXPECT_EQ(bare.load().spec.pad_token, 0);
  bare.config["eos_token_id"] = nullptr;
  EXPECT_TRUE(bare.load().spec.eos_tokens.empty());

  Checkpoint even;
  even.config.erase("num_decoder_layers");
  even.config["num_layers"] = 2;
  std::erase_if(even.tensors,
                [](const auto& entry) { return entry.first.rfind("encoder.block.2.", 0) == 0; });
  EXPECT_EQ(even.load().spec.decoder.layers, 2);
}

TEST(T5, WhatScalesTheLogits) {
  const float scaled = 1.0F / std::sqrt(48.0F);
  struct Rule {
    const char* model;
    std::optional<bool> scale_decoder_outputs, tie_word_embeddings;
    float expected;
  };
  for (const Rule& rule : {Rule{"t5_v1_0", true, true, scaled}, Rule{"t5_v1_0", false, true, 1},
                           Rule{"t5_v1_0", {}, true, scaled}, Rule{"t5_v1_0", {}, {}, scaled},
                           Rule{"t5_v1_0", {}, false, 1}, Rule{"mt5", {}, true, 1},
                           Rule{"umt5", {}, true, scaled}, Rule{"umt5", {}, false, 1}}) {
    Checkpoint checkpoint(rule.model);
    checkpoint.config.erase("scale_decoder_outputs");
    checkpoint.config.erase("tie_word_embeddings");
    if (rule.scale_decoder_outputs)
      checkpoint.config["scale_decoder_outputs"] = *rule.scale_decoder_outputs;
    if (rule.tie_word_embeddings)
      checkpoint.config["tie_word_embeddings"] = *rule.tie_word_embeddings;
    EXPECT_EQ(checkpoint.load().spec.logits_scale, rule.expected) << rule.model;
  }
  Checkpoint unscaled;
  unscaled.config["scale_decoder_outputs"] = false;
  const auto plain = unscaled.logits(), result = Checkpoint().logits();
  for (std::size_t i = 0; i < plain[0].size(); ++i)
    EXPECT_NEAR(result[0][i], plain[0][i] * scaled, 1e-4);
}

// MADLAD-400 stores its embedding under the decoder's name alone, and an output table of its own.
TEST(T5, TablesAreFoundByWhatIsThere) {
  const auto expected = Checkpoint("t5_v1_1").logits();
  Checkpoint copies("t5_v1_1");
  for (const char* name : {"encoder.embed_tokens", "decoder.embed_tokens", "lm_head"})
    copies.tensors[std::string(name) + ".weight"] = copies.tensors.at("shared.weight");
  EXPECT_EQ(copies.logits(), expected);
  EXPECT_TRUE(copies.load().spec.tied_output);

  Checkpoint madlad("t5_v1_1");
  madlad.rename("shared.weight", "decoder.embed_tokens.weight");
  EXPECT_EQ(madlad.logits(), expected);
  RandomTensors random(3);
  madlad.tensors["lm_head.weight"] = {random.normal({120, 48}, 0.2F), {}};
  const FamilyModel model = madlad.load();
  EXPECT_TRUE(model.spec.shared_embeddings);
  EXPECT_FALSE(model.spec.tied_output);
  EXPECT_NE(madlad.logits(), expected);
}

TEST(T5, TheFirstCheckpointsTableOfCrossAttentionIsIgnored) {
  Checkpoint checkpoint;
  RandomTensors random(5);
  checkpoint.tensors["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"] = {
      random.normal({32, 5}, 1.0F), {}};
  EXPECT_EQ(checkpoint.logits(), Checkpoint().logits());
}

// A text may be longer than any distance that has a bucket of its own, and a decoder deeper than
// its encoder.
TEST(T5, AnyLengthAndAnyDepthsRun) {
  Checkpoint shallow;
  shallow.config["num_layers"] = 1;
  std::erase_if(shallow.tensors, [](const auto& entry) {
    return entry.first.rfind("encoder.block.1.", 0) == 0 ||
           entry.first.rfind("encoder.block.2.", 0) == 0;
  });
  std::vector<TokenId> source(700, 9);
  source.back() = 1;
  for (const Checkpoint& checkpoint : {Checkpoint(), shallow})
    for (const std::vector<float>& row : checkpoint.logits(source))
      for (const float logit : row) ASSERT_TRUE(std::isfinite(logit));
}

class T5Refusal : public testing::TestWithParam<const char*> {};

TEST_P(T5Refusal, EveryTensorThatIsMissingOrMisshapenIsNamed) {
  const Checkpoint whole(GetParam());
  for (const auto& [name, weight] : whole.tensors) {
    const std::string named = name == "shared.weight" ? "embed_tokens" : name;
    Checkpoint missing = whole;
    missing.tensors.erase(name);
    expect_error([&] { missing.load(); }, ErrorCode::corrupt, named);
    Checkpoint misshapen = whole;
    misshapen.tensors[name] = {Tensor::zeros({47, 3}, DType::float32), {}};
    expect_error([&] { misshapen.load(); }, ErrorCode::corrupt, name);
    expect_error([&] { misshapen.load(); }, ErrorCode::corrupt, "[47, 3]");
  }
  Checkpoint left_over = whole;
  left_over.tensors["decoder.block.7.layer.0.layer_norm.weight"] = {
      Tensor::zeros({48}, DType::float32), {}};
  expect_error([&] { left_over.load(); }, ErrorCode::corrupt, "decoder.block.7");
  Checkpoint integers = whole;
  integers.tensors["encoder.final_layer_norm.weight"] = {Tensor::zeros({48}, DType::int32), {}};
  expect_error([&] { integers.load(); }, ErrorCode::corrupt, "encoder.final_layer_norm");
}

TEST_P(T5Refusal, ConfigValuesOutOfRangeAreNamed) {
  const std::vector<std::pair<const char*, nlohmann::json>> corrupt{
      {"d_model", 0},
      {"d_model", "48"},
      {"d_kv", 1 << 30},
      {"d_kv", nullptr},
      {"d_ff", -1},
      {"num_layers", 100000},
      {"num_decoder_layers", 0},
      {"num_heads", nullptr},
      {"vocab_size", 1LL << 40},
      {"layer_norm_epsilon", 0},
      {"layer_norm_epsilon", "small"},
      {"relative_attention_num_buckets", 1 << 20},
      {"relative_attention_max_distance", 1 << 30},
      {"decoder_start_token_id", 100000},
      {"eos_token_id", {0, 100000}},
      {"feed_forward_proj", 3}};
  for (const auto& [key, value] : corrupt) {
    Checkpoint checkpoint(GetParam());
    checkpoint.config[key] = value;
    expect_error([&] { checkpoint.load(); }, ErrorCode::corrupt, key);
  }
  Checkpoint short_reach(GetParam());
  short_reach.config["relative_attention_max_distance"] = 16;
  expect_error([&] { short_reach.load(); }, ErrorCode::corrupt, "relative positions");
  Checkpoint activation(GetParam());
  activation.config["feed_forward_proj"] = "gated-mish";
  expect_error([&] { activation.load(); }, ErrorCode::unsupported, "mish");
}

INSTANTIATE_TEST_SUITE_P(Families, T5Refusal,
                         testing::Values("t5_v1_0", "t5_v1_1", "mt5", "byt5", "umt5"),
                         [](const auto& model) { return std::string(model.param); });

}  // namespace
}  // namespace tandem
