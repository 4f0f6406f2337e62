// Packed models: what is packed and mapped computes the same bits as what was packed in memory, and
// a file that is not what it should be is a typed Error.
#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/staged_directory.h"
#include "models/load_model.h"
#include "models/packed/format.h"
#include "models/packed/packed_reader.h"
#include "models/packed/packed_writer.h"
#include "models/packed/panels.h"
#include "models/packed/spec_json.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

const std::vector<TokenId> kSource = {5, 9, 14, 7, 2};
const std::vector<TokenId> kTarget = {8, 4, 11, 2};

std::string golden(const std::string& family) {
  return std::string(TANDEM_GOLDEN_DIR) + "/hf/" + family;
}

// Packs a golden model into `directory`, which must not exist.
void pack(const std::string& family, ComputeType type, const std::string& directory) {
  StagedDirectory staged(directory);
  const auto backend = make_cpu_backend(1);
  write_packed_model(read_model(golden(family), {}, type), *backend, staged);
  staged.commit(false);
}

// Packs once more, in another type, what is packed.
void repack(const std::string& from, ComputeType type, const std::string& directory) {
  StagedDirectory staged(directory);
  const auto backend = make_cpu_backend(1);
  ModelFiles files = read_model(from, {}, ComputeType::automatic);
  files.type = type;
  write_packed_model(std::move(files), *backend, staged);
  staged.commit(false);
}

std::string packed_bytes(const std::string& directory) {
  return read_file(directory + "/" + kPackedFile, 1 << 26, "a test file");
}

using Case = std::tuple<const char*, ComputeType>;

class PackedModel : public testing::TestWithParam<Case> {};

TEST_P(PackedModel, HasTheLogitsOfTheOriginalBitForBit) {
  const auto& [family, type] = GetParam();
  const TemporaryFolder folder;
  pack(family, type, folder.path() + "/packed");
  for (const int threads : {1, 2}) {
    const auto backend = make_cpu_backend(threads);
    const LoadedModel original = load_model(golden(family), {}, type, *backend);
    const LoadedModel packed =
        load_model(folder.path() + "/packed", {}, ComputeType::automatic, *backend);
    EXPECT_TRUE(packed.packed);
    EXPECT_EQ(packed.network->compute_type(), type);
    EXPECT_LE(packed.network->bytes(), original.network->bytes());  // equal tables are stored once
    EXPECT_EQ(forced_logits(*packed.network, *backend, kSource, kTarget),
              forced_logits(*original.network, *backend, kSource, kTarget));
  }
}

TEST_P(PackedModel, KeepsEverySwitchAndWhereItCameFrom) {
  const auto& [family, type] = GetParam();
  const ModelSpec spec = read_model(golden(family), {}, type).model.spec;
  const JsonObject json(Json::parse(spec_to_json(spec).dump()), "test");
  const ModelSpec again = spec_from_json(json, spec.origin, {});
  const auto lines = describe(spec), lines_again = describe(again);
  ASSERT_EQ(lines.size(), lines_again.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].value, lines_again[i].value) << lines[i].name;
    EXPECT_TRUE(lines[i].source.ends_with(lines_again[i].source)) << lines[i].name;
    EXPECT_EQ(lines_again[i].source.find(TANDEM_GOLDEN_DIR), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, PackedModel,
    testing::Combine(testing::Values("marian", "bart", "blenderbot_small", "t5_v1_1", "umt5"),
                     testing::Values(ComputeType::float32, ComputeType::bfloat16,
                                     ComputeType::int8)),
    [](const auto& which) {
      return std::string(std::get<0>(which.param)) + "_" +
             std::string(to_string(std::get<1>(which.param)));
    });

// A table of tokens that is so large that its rows are read from the file one by one.
TEST(PackedTokens, ALargeTableOfTokensStaysInTheFile) {
  constexpr std::int64_t kTokens = 200'000;
  const TemporaryFolder folder;
  const auto backend = make_cpu_backend(1);
  const auto enlarged = [] {
    ModelFiles files = read_model(golden("marian"), {}, ComputeType::int8);
    const Tensor small = files.model.weights.source_embedding;
    Tensor large = Tensor::zeros({kTokens, small.shape()[1]}, DType::float32);
    std::ranges::copy(small.data<float>(),
                      large.mutable_data<float>().end() - small.shape().elements());
    files.model.weights.source_embedding = large;
    files.model.spec.source_vocabulary = kTokens;
    return files;
  };
  StagedDirectory staged(folder.path() + "/packed");
  write_packed_model(enlarged(), *backend, staged);
  staged.commit(false);
  const ModelFiles files = enlarged();
  const EncoderDecoder original(files.model.spec, files.model.weights, files.type, *backend);
  const LoadedModel packed =
      load_model(folder.path() + "/packed", {}, ComputeType::automatic, *backend);
  EXPECT_LE(packed.network->bytes() + files.model.weights.source_embedding.bytes(),
            original.bytes());
  std::vector<TokenId> source = kSource;
  for (TokenId& id : source) id += kTokens - 120;
  EXPECT_EQ(forced_logits(*packed.network, *backend, source, kTarget),
            forced_logits(original, *backend, source, kTarget));
}

class Dequantized : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return folder_.path() + "/" + name; }

  const TemporaryFolder folder_;
};

TEST_F(Dequantized, Float32IsTheSameFile) {
  for (const std::string family : {"marian", "bart", "t5_v1_1", "umt5", "whisper"}) {
    pack(family, ComputeType::float32, at(family));
    repack(at(family), ComputeType::float32, at(family + ".again"));
    EXPECT_TRUE(packed_bytes(at(family + ".again")) == packed_bytes(at(family))) << family;
  }
}

TEST_F(Dequantized, Bfloat16LosesNothing) {
  for (const std::string family : {"marian", "t5_v1_1"}) {
    pack(family, ComputeType::bfloat16, at(family));
    repack(at(family), ComputeType::float32, at(family + ".float32"));
    repack(at(family + ".float32"), ComputeType::bfloat16, at(family + ".again"));
    EXPECT_TRUE(packed_bytes(at(family + ".again")) == packed_bytes(at(family))) << family;
  }
}

// The weights of this model are int8 in its own files: float32 of them is one thing, on either way.
TEST_F(Dequantized, Int8IsItsExactValues) {
  const std::string original = std::string(TANDEM_GOLDEN_DIR) + "/ctranslate2/v2-i8";
  const auto backend = make_cpu_backend(1);
  for (const ComputeType type : {ComputeType::int8, ComputeType::float32}) {
    StagedDirectory staged(at(std::string(to_string(type))));
    write_packed_model(read_model(original, {}, type), *backend, staged);
    staged.commit(false);
  }
  repack(at("int8"), ComputeType::float32, at("dequantized"));
  EXPECT_TRUE(packed_bytes(at("dequantized")) == packed_bytes(at("float32")));
}

// Where Tandem has quantised the weights they come back within half a step.
TEST_F(Dequantized, Int8OfFloatsIsWithinHalfAStep) {
  pack("marian", ComputeType::int8, at("int8"));
  const ModelFiles packed = read_model(at("int8"), {}, ComputeType::automatic);
  const ModelFiles original = read_model(golden("marian"), {}, ComputeType::float32);
  const auto expect_near = [](const LinearWeights& whole, const Tensor& expected) {
    const LinearWeights found = unpack_panels(*whole.packed);
    ASSERT_EQ(found.weight.shape(), expected.shape());
    const std::int64_t inputs = expected.shape()[1];
    for (std::int64_t i = 0; i < expected.shape().elements(); ++i) {
      const auto row = static_cast<std::size_t>(i / inputs), at = static_cast<std::size_t>(i);
      const float step = found.weight_scales[row];
      const auto q = static_cast<float>(found.weight.data<std::int8_t>()[at]);
      ASSERT_NEAR(q * step, expected.data<float>()[at], 0.5001F * step) << i;
    }
  };
  expect_near(packed.model.weights.output, original.model.weights.output.weight);
  for (std::size_t i = 0; i < packed.model.weights.encoder.size(); ++i)
    for (std::size_t k = 0; k < 2; ++k)
      expect_near(packed.model.weights.encoder[i].feed_forward.linears[k],
                  original.model.weights.encoder[i].feed_forward.linears[k].weight);
}

TEST_F(Dequantized, AnotherLayoutIsRefused) {
  PackedParts parts;
  parts.layout = "rows";
  expect_error([&] { unpack_panels(parts); }, ErrorCode::unsupported, "cpu-panels-64");
}

// A packed file in memory, its header open for changes.
struct Image {
  Json header;
  std::string data;

  explicit Image(const std::string& bytes) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    header = Json::parse(bytes.substr(sizeof length, length));
    data = bytes.substr(sizeof length + length);
  }
  std::string bytes(std::size_t alignment = 64) const {
    std::string text = header.dump();
    while ((8 + text.size()) % 64 != alignment % 64) text += ' ';
    std::string file;
    append<std::uint64_t>(file, text.size());
    return file + text + data;
  }
  Json& metadata() { return header["__metadata__"]; }
  // Changes JSON that is a string of the metadata.
  void edit(const std::string& key, const std::function<void(Json&)>& change) {
    Json value = Json::parse(metadata()[key].get<std::string>());
    change(value);
    metadata()[key] = value.dump();
  }
};

class PackedFile : public testing::Test {
 protected:
  PackedFile() {
    pack("marian", ComputeType::int8, folder_.path() + "/packed");
    bytes_ = packed_bytes(folder_.path() + "/packed");
  }

  // Loads the bytes and runs them: whatever is accepted must be safe to compute with.
  void run(const std::string& bytes, ComputeType type = ComputeType::automatic) const {
    ModelFiles files = parse_packed_model(as_file(bytes), folder_.path(), {}, type);
    const EncoderDecoder network(files.model.spec, files.model.weights, files.type, *backend_);
    static_cast<void>(forced_logits(network, *backend_, kSource, kTarget));
  }
  void expect_refused(const std::function<void(Image&)>& change, ErrorCode code,
                      const std::string& named) const {
    Image image(bytes_);
    change(image);
    expect_error([&] { run(image.bytes()); }, code, named);
  }

  const TemporaryFolder folder_;
  const std::unique_ptr<Backend> backend_ = make_cpu_backend(1);
  std::string bytes_;
};

TEST_F(PackedFile, IsReadableAsSafetensorsAndItsPanelsAreWholeCacheLines) {
  EXPECT_NO_THROW(run(bytes_));
  const std::size_t start = bytes_.size() - Image(bytes_).data.size();
  EXPECT_EQ(start % 64, 0U);
  const Image image(bytes_);
  for (const auto& [name, entry] : image.header.items()) {
    if (name.ends_with(".panels")) {
      EXPECT_EQ(entry["data_offsets"][0].get<std::size_t>() % 64, 0U) << name;
    }
  }
}

TEST_F(PackedFile, WeightsAreUsedWhereTheyLie) {
  const ModelFiles files =
      read_packed_model(folder_.path() + "/packed", {}, ComputeType::automatic);
  const PackedParts& parts = *files.model.weights.output.packed;
  const EncoderDecoder network(files.model.spec, files.model.weights, files.type, *backend_);
  EXPECT_EQ(network.output().parts().panels.raw(), parts.panels.raw());
  EXPECT_EQ(files.model.weights.source_embedding.raw(), files.model.weights.target_embedding.raw());
}

TEST_F(PackedFile, AnotherVersionFormatLayoutOrTypeIsUnsupported) {
  for (const char* key : {"format", "format_version", "compute_type"})
    expect_refused([&](Image& i) { i.metadata()[key] = "other"; }, ErrorCode::unsupported, key);
  expect_refused([](Image& i) { i.metadata()["layout"] = "other"; }, ErrorCode::unsupported,
                 "\"other\"");
  expect_error([&] { run(bytes_, ComputeType::float32); }, ErrorCode::unsupported,
               "packed for int8");
  EXPECT_NO_THROW(run(bytes_, ComputeType::int8));
}

TEST_F(PackedFile, WhatIsMissingOrLeftOverOrDoesNotFitIsCorrupt) {
  for (const char* key : {"format", "layout", "spec", "products", "decoding"})
    expect_refused([&](Image& i) { i.metadata().erase(key); }, ErrorCode::corrupt, key);
  expect_refused([](Image& i) { i.edit("products", [](Json& p) { p.erase("output"); }); },
                 ErrorCode::corrupt, "output");
  expect_refused([](Image& i) { i.edit("products", [](Json& p) { p["output"][0] = 3; }); },
                 ErrorCode::corrupt, "outputs");
  expect_refused(
      [](Image& i) {
        i.edit("products", [](Json& p) { p["encoder.0.feed_forward.0"][0] = 1 << 20; });
      },
      ErrorCode::corrupt, "encoder.0.feed_forward");
  expect_refused(
      [](Image& i) {
        i.header["surplus"] = i.header["output.panels"];
        i.header.erase("output.panels");
      },
      ErrorCode::corrupt, "output.panels");
  expect_refused(
      [](Image& i) {
        std::swap(i.header["encoder.0.self.norm.gain"]["shape"],
                  i.header["source_embedding"]["shape"]);
      },
      ErrorCode::corrupt, "");
  expect_refused([](Image& i) { i.header["output.panels"]["dtype"] = "U8"; }, ErrorCode::corrupt,
                 "panels");
  expect_refused([](Image& i) { i.header["output.column_sums"]["dtype"] = "F32"; },
                 ErrorCode::corrupt, "sums");
}

TEST_F(PackedFile, SwitchesThatContradictTheTensorsOrTheirRangesAreRefused) {
  const auto with = [](const char* name, const Json& value) {
    return [=](Image& i) { i.edit("spec", [&](Json& s) { s["switches"][name] = value; }); };
  };
  for (const auto& [name, value] :
       std::vector<std::pair<const char*, Json>>{{"model_dim", 32},
                                                 {"head_dim", 0},
                                                 {"encoder.layers", 0},
                                                 {"encoder.layers", 3},
                                                 {"decoder.heads", 0},
                                                 {"decoder.position_offset", 100000},
                                                 {"pad_token", 1 << 20},
                                                 {"eos_tokens", {-1}},
                                                 {"norm", "other"},
                                                 {"norm_epsilon", "small"},
                                                 {"activation", 3},
                                                 {"tied_output", nullptr},
                                                 {"gated_feed_forward", true},
                                                 {"relative_buckets", 1 << 20},
                                                 {"unknown", 1}})
    expect_refused(with(name, value), ErrorCode::corrupt, "");
  expect_refused(with("decoder.layers", 1000), ErrorCode::resource_exhausted, "decoder.layers");
  expect_refused(with("target_vocabulary", 1 << 30), ErrorCode::resource_exhausted,
                 "target_vocabulary");
  expect_refused(with("norm_on_both_sides", true), ErrorCode::unsupported, "norm_on_both_sides");
}

TEST_F(PackedFile, PanelsThatAreNotAlignedAreRefused) {
  const Image image(bytes_);
  for (const std::size_t start : {1, 4, 32, 63})
    expect_error([&] { run(image.bytes(start)); }, ErrorCode::corrupt, "aligned to 64 bytes");
}

TEST_F(PackedFile, AnyTruncationIsRefused) {
  for (std::size_t size = 0; size < bytes_.size(); size += size < 64 ? 1 : 997)
    EXPECT_THROW(run(bytes_.substr(0, size)), Error) << size;
  EXPECT_THROW(run(bytes_ + '\0'), Error);
}

TEST_F(PackedFile, AnyBitFlipOfTheHeaderIsRefusedOrRuns) {
  const std::size_t header = bytes_.size() - Image(bytes_).data.size();
  std::mt19937 generator(7);
  std::uniform_int_distribution<std::size_t> bit(0, header * 8 - 1);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string flipped = bytes_;
    const std::size_t at = bit(generator);
    flipped[at / 8] = static_cast<char>(flipped[at / 8] ^ (1 << (at % 8)));
    try {
      run(flipped);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what() << ", bit " << at;
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace tandem
