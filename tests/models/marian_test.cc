// Hugging Face's Marian: how a configuration and tensors become a model, whichever way the
// checkpoint ties its embeddings, and what is refused.
#include "models/families/marian.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/load_model.h"
#include "models/readers/safetensors.h"
#include "nn/positions.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/random_tensors.h"

namespace tandem {
namespace {

const std::string kDirectory = std::string(TANDEM_GOLDEN_DIR) + "/hf/marian";
const std::vector<TokenId> kSource{5, 17, 3, 39, 8, 0};
const std::vector<TokenId> kTarget{7, 2, 31, 0};

// The golden model with changes.
struct Checkpoint {
  Checkpoint() {
    std::ifstream(kDirectory + "/config.json") >> config;
    tensors = read_safetensors(kDirectory, Limits{}).all();
  }

  FamilyModel load() const {
    WeightMap weights("model.safetensors");
    for (const auto& [name, weight] : tensors) weights.add(name, weight);
    FamilyModel model = load_marian(JsonObject(config, "config.json"), weights, Limits{});
    weights.check_all_used();
    return model;
  }
  std::vector<std::vector<float>> logits() const {
    const auto backend = make_reference_backend();
    FamilyModel model = load();
    const EncoderDecoder network(model.spec, model.weights, ComputeType::float32, *backend);
    return forced_logits(network, *backend, kSource, kTarget);
  }
  Tensor& tensor(const std::string& name) { return tensors.at(name).tensor; }

  nlohmann::json config;
  std::map<std::string, Weight> tensors;
};

TEST(Marian, TheSpecSaysWhatTheConfigSaysAndWhereItStands) {
  const ModelSpec spec = Checkpoint().load().spec;
  EXPECT_EQ(spec.model_dim, 48);
  EXPECT_EQ(spec.encoder.layers, 2);
  EXPECT_EQ(spec.decoder.layers, 3);
  EXPECT_EQ(spec.activation, Activation::silu);
  EXPECT_EQ(spec.sources.at("activation"), "config.json: activation_function");
  EXPECT_EQ(spec.norm_epsilon, 1e-5F);
  EXPECT_EQ(spec.decoder_start_token, 119);
  EXPECT_EQ(spec.eos_tokens, std::vector<TokenId>{0});
  EXPECT_TRUE(spec.shared_embeddings);
  EXPECT_TRUE(spec.tied_output);
  EXPECT_TRUE(spec.output_bias);
}

// Checkpoints from before de-duplication, with and without copies, load alike.
TEST(Marian, EveryWayToStoreTheSameTiedTableGivesTheSameModel) {
  const auto expected = Checkpoint().logits();
  Checkpoint copies;
  for (const char* name : {"model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head"})
    copies.tensors[std::string(name) + ".weight"] = copies.tensors.at("model.shared.weight");
  EXPECT_EQ(copies.logits(), expected);
  EXPECT_TRUE(copies.load().spec.tied_output);

  for (const char* only : {"model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight",
                           "lm_head.weight"}) {
    Checkpoint single;
    auto node = single.tensors.extract("model.shared.weight");
    node.key() = only;
    single.tensors.insert(std::move(node));
    EXPECT_EQ(single.logits(), expected) << only;
  }
}

TEST(Marian, UntiedTablesAreUsedEachForItsPurpose) {
  const auto tied = Checkpoint().logits();
  RandomTensors random(3);
  for (const char* own : {"lm_head.weight", "model.decoder.embed_tokens.weight",
                          "model.encoder.embed_tokens.weight"}) {
    Checkpoint checkpoint;
    checkpoint.tensors[own] = {random.normal({120, 48}, 0.2F), {}};
    EXPECT_NE(checkpoint.logits(), tied) << own;
    const FamilyModel model = checkpoint.load();
    EXPECT_EQ(model.spec.tied_output, std::string(own) != "lm_head.weight");
    EXPECT_EQ(model.spec.shared_embeddings, std::string(own) == "lm_head.weight");
  }
}

TEST(Marian, AStoredPositionTableIsPreferred) {
  Checkpoint checkpoint;
  const Tensor table = sinusoid_paper(64, 48);
  for (const char* side : {"encoder", "decoder"})
    checkpoint.tensors["model." + std::string(side) + ".embed_positions.weight"] = {table, {}};
  EXPECT_EQ(checkpoint.logits(), Checkpoint().logits());
  checkpoint.tensors["model.decoder.embed_positions.weight"] = {
      Tensor::zeros({64, 48}, DType::float32), {}};
  EXPECT_NE(checkpoint.logits(), Checkpoint().logits());
  EXPECT_EQ(checkpoint.load().spec.decoder.positions, PositionKind::table);
}

TEST(Marian, EndTokensMayBeOneIdOrAList) {
  Checkpoint checkpoint;
  checkpoint.config["eos_token_id"] = {0, 17};
  EXPECT_EQ(checkpoint.load().spec.eos_tokens, (std::vector<TokenId>{0, 17}));
  checkpoint.config["eos_token_id"] = nullptr;
  EXPECT_TRUE(checkpoint.load().spec.eos_tokens.empty());
}

TEST(MarianRefusal, TensorsThatAreMissingMisshapenOrLeftOverAreNamed) {
  const std::string name = "model.decoder.layers.1.encoder_attn.k_proj.weight";
  Checkpoint missing;
  missing.tensors.erase(name);
  expect_error([&] { missing.load(); }, ErrorCode::corrupt, name);
  Checkpoint misshapen;
  misshapen.tensor(name) = Tensor::zeros({48, 47}, DType::float32);
  expect_error([&] { misshapen.load(); }, ErrorCode::corrupt, name);
  expect_error([&] { misshapen.load(); }, ErrorCode::corrupt, "[48, 47]");
  Checkpoint integers;
  integers.tensor(name) = Tensor::zeros({48, 48}, DType::int32);
  expect_error([&] { integers.load(); }, ErrorCode::corrupt, name);
  Checkpoint left_over;
  left_over.tensors["model.decoder.layers.3.fc1.bias"] = {Tensor::zeros({112}, DType::float32), {}};
  expect_error([&] { left_over.load(); }, ErrorCode::corrupt, "model.decoder.layers.3.fc1.bias");
  Checkpoint no_table;
  no_table.tensors.erase("model.shared.weight");
  expect_error([&] { no_table.load(); }, ErrorCode::corrupt, "embed_tokens");
}

TEST(MarianRefusal, ConfigValuesOutOfRangeAreNamed) {
  const std::vector<std::pair<const char*, nlohmann::json>> corrupt{
      {"d_model", 0},
      {"d_model", "48"},
      {"d_model", 1 << 30},
      {"encoder_layers", -1},
      {"decoder_layers", 100000},
      {"encoder_attention_heads", nullptr},
      {"vocab_size", 1LL << 40},
      {"max_position_embeddings", 0},
      {"decoder_start_token_id", 120},
      {"eos_token_id", -1},
      {"eos_token_id", {0, 500}},
      {"scale_embedding", "yes"}};
  for (const auto& [key, value] : corrupt) {
    Checkpoint checkpoint;
    checkpoint.config[key] = value;
    expect_error([&] { checkpoint.load(); }, ErrorCode::corrupt, key);
  }
  Checkpoint heads;
  heads.config["decoder_attention_heads"] = 5;
  expect_error([&] { heads.load(); }, ErrorCode::corrupt, "heads");
  Checkpoint activation;
  activation.config["activation_function"] = "mish";
  expect_error([&] { activation.load(); }, ErrorCode::unsupported, "mish");
}

}  // namespace
}  // namespace tandem
