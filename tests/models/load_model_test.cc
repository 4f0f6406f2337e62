// How a directory is recognised, and what comes with the network.
#include "models/load_model.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/staged_directory.h"
#include "models/packed/packed_writer.h"
#include "support/backends.h"
#include "support/device_backends.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/marian_oracle.h"
#include "support/test_files.h"

namespace tandem {
namespace {

LoadedModel load(const std::string& directory) {
  const auto backend = make_reference_backend();
  return load_model(directory, Limits{}, ComputeType::automatic, *backend);
}

// A Bergamot-like model: SSRU decoder, int8 matrices with multipliers, float vectors. The values of
// a matrix are what its integers mean.
struct QuantisedModel {
  QuantisedModel() : oracle(shape(), 7) {
    for (auto& [name, tensor] : oracle.tensors()) {
      const bool is_table = name == "Wemb";
      if (!is_table && name.find("_W") == std::string::npos) {
        writer.add_floats(name, {tensor.rows, tensor.cols},
                          {tensor.values.begin(), tensor.values.end()});
        continue;
      }
      if (name.find("_ln_") != std::string::npos) {
        writer.add_floats(name, {tensor.rows, tensor.cols},
                          {tensor.values.begin(), tensor.values.end()});
        continue;
      }
      add_matrix(name, tensor, is_table);
    }
    writer.add_yaml(shape().yaml());
  }

  static MarianShape shape() {
    MarianShape shape;
    shape.ssru = true;
    return shape;
  }

  void add_matrix(const std::string& name, Dense& tensor, bool is_table) {
    double largest = 0;
    for (const double value : tensor.values) largest = std::max(largest, std::abs(value));
    const auto multiplier = static_cast<float>(127 / largest);
    std::vector<int> stored;
    for (double& value : tensor.values) {
      const int q = static_cast<int>(std::nearbyint(value * multiplier));
      stored.push_back(q);
      value = static_cast<double>(q) * (1.0F / multiplier);
    }
    if (!is_table) {  // stored transposed
      std::vector<int> transposed;
      for (int c = 0; c < tensor.cols; ++c)
        for (int r = 0; r < tensor.rows; ++r)
          transposed.push_back(stored[static_cast<std::size_t>(r * tensor.cols + c)]);
      stored = transposed;
    }
    writer.add_intgemm8(name, {tensor.rows, tensor.cols}, stored, multiplier);
    if (is_table)
      writer.add_intgemm8(name + "_QuantMultA", {1, 1}, {127}, 127.0F / 20.0F);
    else
      writer.add_floats(name + "_QuantMultA", {1, 1}, {20.0F});
  }

  MarianOracle oracle;
  MarianBinaryWriter writer;
};

const std::vector<TokenId> kSource{5, 17, 3, 39, 8, 0};
const std::vector<TokenId> kTarget{7, 2, 2, 31, 0};

TEST(LoadModel, Int8FilesRunInInt8UnlessFloatIsAskedFor) {
  QuantisedModel model;
  const TemporaryFolder folder;
  folder.write("model.intgemm.alphas.bin", model.writer.bytes());
  const auto backend = make_cpu_backend(1);
  const LoadedModel exact = load_model(folder.path(), Limits{}, ComputeType::float32, *backend);
  const LoadedModel quantised =
      load_model(folder.path(), Limits{}, ComputeType::automatic, *backend);
  EXPECT_EQ(quantised.network->compute_type(), ComputeType::int8);
  EXPECT_LT(quantised.network->bytes(), exact.network->bytes());

  // float32 runs the exact values of the integers; int8 differs by the rounding of activations.
  const Dense expected = model.oracle.logits(kSource, kTarget);
  const auto floats = forced_logits(*exact.network, *backend, kSource, kTarget);
  const auto integers = forced_logits(*quantised.network, *backend, kSource, kTarget);
  double error = 0, size = 0;
  for (int t = 0; t < expected.rows; ++t)
    for (int v = 0; v < expected.cols; ++v) {
      const auto row = static_cast<std::size_t>(t), column = static_cast<std::size_t>(v);
      ASSERT_NEAR(floats[row][column], expected.at(t, v), 1e-4);
      error += std::pow(integers[row][column] - expected.at(t, v), 2);
      size += std::pow(expected.at(t, v), 2);
    }
  EXPECT_GT(error, 0);
  EXPECT_LT(std::sqrt(error / size), 0.1);
}

TEST(LoadModel, AutomaticIsTheTypeThatTheDeviceIsFastIn) {
  QuantisedModel quantised;
  const TemporaryFolder int8, floats;
  int8.write("model.intgemm.alphas.bin", quantised.writer.bytes());
  floats.write("model.npz", MarianOracle({}, 1).npz());
  const auto type_of = [](const TemporaryFolder& folder, ComputeType asked, Backend& backend) {
    return load_model(folder.path(), Limits{}, asked, backend).network->compute_type();
  };
  const auto cpu = make_cpu_backend(1), gpu = cuda::open_on_host();
  EXPECT_EQ(type_of(floats, ComputeType::automatic, *cpu), ComputeType::float32);
  EXPECT_EQ(type_of(floats, ComputeType::automatic, *gpu), ComputeType::bfloat16);
  EXPECT_EQ(type_of(floats, ComputeType::float32, *gpu), ComputeType::float32);
  EXPECT_EQ(type_of(int8, ComputeType::automatic, *gpu), ComputeType::int8);
}

TEST(LoadModel, TheDecodersYamlNamesTheFilesAndTheSearch) {
  const TemporaryFolder folder;
  folder.write("model.a.npz", MarianOracle({}, 1).npz());
  folder.write("model.b.npz", "not read");
  folder.write("vocab.spm", "not read");
  folder.write("config.yml",
               "relative-paths: true\nmodels:\n  - /elsewhere/model.a.npz\nvocabs:\n  - "
               "vocab.spm\n  - vocab.spm\n"
               "beam-size: 6\nnormalize: 0.6\nword-penalty: 0.25\nmax-length-factor: "
               "2.5\nallow-unk: true\n");
  const LoadedModel model = load(folder.path());
  EXPECT_EQ(model.marian.beam_size, 6);
  EXPECT_EQ(model.marian.normalize, 0.6);
  EXPECT_EQ(model.marian.word_penalty, 0.25);
  EXPECT_EQ(model.marian.max_length_factor, 2.5);
  EXPECT_EQ(model.marian.allow_unknown, true);
  EXPECT_TRUE(model.shared_vocabulary);
  EXPECT_EQ(model.vocabularies, std::vector<std::string>(2, folder.path() + "/vocab.spm"));
  EXPECT_EQ(model.network->spec().decoder_start_token, -1);
  EXPECT_EQ(model.shortlist, nullptr);
}

// What `tandem convert` makes of a directory.
void pack(const std::string& from, ComputeType type, const std::string& to) {
  StagedDirectory staged(to);
  const auto backend = make_cpu_backend(1);
  write_packed_model(read_model(from, {}, type), *backend, staged);
  staged.commit(false);
}

TEST(LoadModel, APackedMarianModelComputesAsItsOriginal) {
  const TemporaryFolder folder;
  const QuantisedModel int8;
  MarianShape odd;
  odd.pre_norm = odd.top_norm = odd.no_projection = true;
  odd.ffn_depth = 3;
  odd.tied_layers = {1, 1};
  odd.tying = "none";
  folder.write("int8.bin", int8.writer.bytes());
  folder.write("float.bin", MarianOracle(odd, 3).binary());
  const auto backend = make_cpu_backend(1);
  for (const std::string name : {"int8", "float"})
    for (const ComputeType type :
         {ComputeType::float32, ComputeType::bfloat16, ComputeType::int8}) {
      const TemporaryFolder original;
      std::filesystem::copy(folder.path() + "/" + name + ".bin", original.path() + "/model.bin");
      pack(original.path(), type, original.path() + "/packed");
      const LoadedModel packed =
          load_model(original.path() + "/packed", {}, ComputeType::automatic, *backend);
      const LoadedModel expected = load_model(original.path(), {}, type, *backend);
      EXPECT_EQ(packed.format, ModelFormat::marian);
      EXPECT_EQ(forced_logits(*packed.network, *backend, kSource, kTarget),
                forced_logits(*expected.network, *backend, kSource, kTarget))
          << name << " in " << to_string(type);
    }
}

TEST(LoadModel, APackedMarianModelIsDecodedAsItsOriginal) {
  const TemporaryFolder folder;
  folder.write("model.npz", MarianOracle({}, 1).npz());
  folder.write("decoder.yml",
               "models: [model.npz]\nbeam-size: 6\nnormalize: 0.6\nword-penalty: 0.25\n"
               "max-length-factor: 2.5\nallow-unk: true\n");
  pack(folder.path(), ComputeType::float32, folder.path() + "/packed");
  const LoadedModel model =
      load_model(folder.path() + "/packed", {}, ComputeType::automatic, *make_cpu_backend(1));
  EXPECT_EQ(model.marian.beam_size, 6);
  EXPECT_EQ(model.marian.normalize, 0.6);
  EXPECT_EQ(model.marian.word_penalty, 0.25);
  EXPECT_EQ(model.marian.max_length_factor, 2.5);
  EXPECT_EQ(model.marian.allow_unknown, true);
}

TEST(LoadModel, WithoutYamlTheOnlyModelOfTheDirectoryIsTaken) {
  const TemporaryFolder folder;
  folder.write("model.bin", MarianOracle({}, 1).binary());
  folder.write("srcvocab.spm", "not read");
  folder.write("trgvocab.spm", "not read");
  folder.write("qualityModel.bin", "not read");
  const LoadedModel model = load(folder.path());
  EXPECT_FALSE(model.shared_vocabulary);
  EXPECT_EQ(model.vocabularies[1], folder.path() + "/trgvocab.spm");
  folder.write("model.second.bin", "not read");
  expect_error([&] { load(folder.path()); }, ErrorCode::invalid_argument, "2 models");
}

TEST(LoadModel, ATextShortlistIsLeftToWhoeverHasTheVocabularies) {
  const TemporaryFolder folder;
  folder.write("model.npz", MarianOracle({}, 1).npz());
  folder.write("lex.s2t", "not read");
  folder.write("decoder.yml", "models: [model.npz]\nshortlist: [lex.s2t, 50, 40, 0.1]\n");
  const LoadedModel model = load(folder.path());
  ASSERT_TRUE(model.text_shortlist.has_value());
  EXPECT_EQ(model.text_shortlist->path, folder.path() + "/lex.s2t");
  EXPECT_EQ(model.text_shortlist->options.first, 50);
  EXPECT_EQ(model.text_shortlist->options.best, 40);
  EXPECT_EQ(model.text_shortlist->options.threshold, 0.1F);
}

TEST(LoadModelRefusal, DirectoriesThatAreNoModelSayWhatWasExpected) {
  const TemporaryFolder folder;
  expect_error([&] { load(folder.path() + "/missing"); }, ErrorCode::not_found, "missing");
  expect_error([&] { load(folder.path()); }, ErrorCode::not_found, "expected config.json");
  folder.write("config.json", R"({"model_type": "bert"})");
  expect_error([&] { load(folder.path()); }, ErrorCode::unsupported, "bert");
  folder.write("config.json", R"({"d_model": 4})");
  expect_error([&] { load(folder.path()); }, ErrorCode::corrupt, "model_type");
  folder.write("config.json", R"({"model_type": "marian"})");
  folder.write("pytorch_model.bin", "pickle");
  expect_error([&] { load(folder.path()); }, ErrorCode::unsupported, "pytorch_model.bin");
}

TEST(LoadModelRefusal, NamesInTheYamlThatAreNotInTheDirectoryAreNamed) {
  const TemporaryFolder folder;
  folder.write("model.npz", MarianOracle({}, 1).npz());
  folder.write("config.yml", "models: [gone.npz]\n");
  expect_error([&] { load(folder.path()); }, ErrorCode::not_found, "gone.npz");
  folder.write("config.yml", "models: [..]\n");
  expect_error([&] { load(folder.path()); }, ErrorCode::not_found, "..");
  folder.write("config.yml", "models: [model.npz, model.npz]\n");
  expect_error([&] { load(folder.path()); }, ErrorCode::unsupported, "2 files");
  folder.write("config.yml", "models: [model.npz]\nshortlist: [model.npz, 5, -3]\n");
  expect_error([&] { load(folder.path()); }, ErrorCode::corrupt, "-3");
}

TEST(LoadModelRefusal, AComputeTypeThatTheBackendCannotDoIsUnsupported) {
  const TemporaryFolder folder;
  folder.write("model.npz", MarianOracle({}, 1).npz());
  const auto cpu = make_backend({.device = Device::cpu()});
  expect_error([&] { load_model(folder.path(), Limits{}, ComputeType::float16, *cpu); },
               ErrorCode::unsupported, "computes in");
}

}  // namespace
}  // namespace tandem
