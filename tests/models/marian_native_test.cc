// Models in Marian's own format: every architecture against a literal float64 transcription of
// Marian's rules, and what is refused.
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/load_model.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/marian_oracle.h"
#include "support/test_files.h"

namespace tandem {
namespace {

const std::vector<TokenId> kSource{5, 17, 3, 39, 8, 0};
const std::vector<TokenId> kTarget{7, 2, 2, 31, 12, 0};

struct Architecture {
  const char* name;
  MarianShape shape;
};

std::vector<Architecture> architectures() {
  std::vector<Architecture> all;
  const auto add = [&](const char* name, auto change) {
    Architecture architecture{name, {}};
    change(architecture.shape);
    all.push_back(architecture);
  };
  add("self_attention", [](MarianShape&) {});
  add("ssru", [](MarianShape& s) { s.ssru = true; });
  add("pre_norm", [](MarianShape& s) { s.pre_norm = true; });
  add("pre_norm_with_top_norm", [](MarianShape& s) { s.pre_norm = s.top_norm = true; });
  add("ssru_pre_norm", [](MarianShape& s) { s.ssru = s.pre_norm = true; });
  add("swish", [](MarianShape& s) { s.activation = "swish"; });
  add("gelu", [](MarianShape& s) { s.activation = "gelu"; });
  add("no_projection", [](MarianShape& s) { s.no_projection = true; });
  add("no_output_bias", [](MarianShape& s) { s.omit_bias = true; });
  add("three_layer_ffn", [](MarianShape& s) { s.ffn_depth = 3; });
  add("tied_target", [](MarianShape& s) { s.tying = "target"; });
  add("untied", [](MarianShape& s) { s.tying = "none"; });
  add("untied_legacy_name", [](MarianShape& s) { s.tying = "legacy"; });
  add("tied_decoder_layers", [](MarianShape& s) { s.tied_layers = {1, 1}; });
  add("deep_encoder", [](MarianShape& s) { s.encoder_layers = 4, s.decoder_layers = 1; });
  return all;
}

class NativeMarian : public testing::TestWithParam<Architecture> {};

TEST_P(NativeMarian, LogitsAreThoseOfALiteralFloat64Transcription) {
  const MarianOracle oracle(GetParam().shape, 11);
  const Dense expected = oracle.logits(kSource, kTarget);
  const TemporaryFolder npz, binary;
  npz.write("model.npz", oracle.npz());
  binary.write("model.bin", oracle.binary());
  for (const BackendChoice& choice : all_backends())
    for (const std::string& directory : {npz.path(), binary.path()}) {
      const auto backend = choice.make();
      const LoadedModel model = load_model(directory, Limits{}, ComputeType::automatic, *backend);
      EXPECT_EQ(model.format, ModelFormat::marian);
      EXPECT_EQ(model.network->compute_type(), ComputeType::float32);
      const auto logits = forced_logits(*model.network, *backend, kSource, kTarget);
      for (int t = 0; t < expected.rows; ++t)
        for (int v = 0; v < expected.cols; ++v)
          ASSERT_NEAR(logits[static_cast<std::size_t>(t)][static_cast<std::size_t>(v)],
                      expected.at(t, v), 1e-4)
              << choice.name << ", position " << t << ", token " << v;
    }
}

INSTANTIATE_TEST_SUITE_P(Architectures, NativeMarian, testing::ValuesIn(architectures()),
                         [](const auto& architecture) {
                           return std::string(architecture.param.name);
                         });

// Replaces the value of a key in the model's yaml, or adds the key.
std::string with_key(const MarianShape& shape, const std::string& key, const std::string& value) {
  std::string yaml = "\n" + shape.yaml();
  const std::size_t start = yaml.find("\n" + key + ":");
  if (start == std::string::npos) return yaml + key + ": " + value + "\n";
  const std::size_t end = yaml.find('\n', start + 1);
  return yaml.substr(0, start + 1) + key + ": " + value + yaml.substr(end);
}

LoadedModel load_with_yaml(const std::string& yaml) {
  MarianBinaryWriter writer;
  MarianOracle oracle({}, 1);
  for (const auto& [name, value] : oracle.tensors())
    writer.add_floats(name, {value.rows, value.cols}, {value.values.begin(), value.values.end()});
  writer.add_yaml(yaml);
  const TemporaryFolder folder;
  folder.write("model.bin", writer.bytes());
  const auto backend = make_reference_backend();
  return load_model(folder.path(), Limits{}, ComputeType::automatic, *backend);
}

TEST(NativeMarianRefusal, WhatTheForwardPassDoesNotKnowIsRefusedByItsKey) {
  const std::vector<std::pair<const char*, const char*>> unsupported{
      {"type", "s2s"},
      {"transformer-decoder-autoreg", "average-attention"},
      {"transformer-preprocess", "nh"},
      {"transformer-postprocess", "dh"},
      {"transformer-postprocess-top", "a"},
      {"transformer-postprocess-emb", "n"},
      {"transformer-ffn-activation", "mish"},
      {"transformer-train-position-embeddings", "true"},
      {"transformer-rnn-projection", "true"},
      {"transformer-pool", "true"},
      {"right-left", "true"},
      {"ulr", "true"},
      {"lemma-dim-emb", "64"},
      {"input-types", "[class]"}};
  for (const auto& entry : unsupported)
    expect_error([&] { load_with_yaml(with_key({}, entry.first, entry.second)); },
                 ErrorCode::unsupported, entry.first);
}

TEST(NativeMarianRefusal, ValuesThatContradictThemselvesAreCorruptByTheirKey) {
  const std::vector<std::pair<const char*, const char*>> corrupt{
      {"enc-depth", "0"},
      {"dec-depth", "100000"},
      {"dim-emb", "-4"},
      {"transformer-heads", "many"},
      {"transformer-tied-layers", "[1]"},
      {"transformer-tied-layers", "[1, 3]"},
      {"transformer-guided-alignment-layer", "9"}};
  for (const auto& entry : corrupt)
    expect_error([&] { load_with_yaml(with_key({}, entry.first, entry.second)); },
                 ErrorCode::corrupt, entry.first);
  expect_error([&] { load_with_yaml(with_key({}, "transformer-heads", "3")); }, ErrorCode::corrupt,
               "heads");
}

TEST(NativeMarianRefusal, TensorsThatAreMissingMisshapenOrLeftOverAreNamed) {
  const auto load = [](MarianOracle& oracle) {
    const TemporaryFolder folder;
    folder.write("model.npz", oracle.npz());
    const auto backend = make_reference_backend();
    load_model(folder.path(), Limits{}, ComputeType::automatic, *backend);
  };
  MarianOracle missing({}, 1), misshapen({}, 1), left_over({}, 1);
  missing.tensors().erase("decoder_l2_context_Wk");
  expect_error([&] { load(missing); }, ErrorCode::corrupt, "decoder_l2_context_Wk");
  misshapen.tensors()["encoder_l1_ffn_b2"] = Dense(1, 15);
  expect_error([&] { load(misshapen); }, ErrorCode::corrupt, "encoder_l1_ffn_b2");
  left_over.tensors()["encoder_l3_self_Wq"] = Dense(16, 16);
  expect_error([&] { load(left_over); }, ErrorCode::corrupt, "encoder_l3_self_Wq");
}

}  // namespace
}  // namespace tandem
