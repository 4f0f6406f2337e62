// Laws of the safetensors reader: what is valid is read exactly, what is not is a typed Error.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "models/readers/safetensors.h"
#include "support/damaged_bytes.h"
#include "support/expect_error.h"
#include "support/faulty_file_system.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& data) {
  std::string file;
  append<std::uint64_t>(file, header.size());
  return file + header + data;
}

std::string floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) append(bytes, value);
  return bytes;
}

const char* const kTwoTensors =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},)"
    R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})";

std::string two_tensors() {
  std::string data;
  append<std::int64_t>(data, 7);
  return file_of(kTwoTensors, data + floats({1.5F, -2.0F}));
}

WeightMap parse(const std::string& content, const Limits& limits = {}) {
  WeightMap weights("test");
  parse_safetensors(as_file(content), limits, weights);
  return weights;
}

std::pair<ErrorCode, std::string> refusal(const std::string& content, const Limits& limits = {}) {
  return refusal_of([&] { parse(content, limits); });
}

TEST(SafetensorsReader, ReadsValuesShapesAndTypes) {
  WeightMap weights = parse(two_tensors());
  EXPECT_EQ(weights.all().size(), 2U);
  EXPECT_THAT(weights.take("a", {}).tensor.data<std::int64_t>(), ElementsAre(7));
  EXPECT_THAT(weights.take("b", {2}).tensor.data<float>(), ElementsAre(1.5F, -2.0F));
  EXPECT_NO_THROW(weights.check_all_used());
}

TEST(SafetensorsReader, DoesNotDependOnTheAlignmentOfTheData) {
  for (std::size_t spaces = 0; spaces < 16; ++spaces) {
    std::string data;
    append<std::int64_t>(data, 7);
    WeightMap weights =
        parse(file_of(kTwoTensors + std::string(spaces, ' '), data + floats({1.5F, -2.0F})));
    EXPECT_THAT(weights.take("a", {}).tensor.data<std::int64_t>(), ElementsAre(7));
    EXPECT_THAT(weights.take("b", {2}).tensor.data<float>(), ElementsAre(1.5F, -2.0F));
  }
}

TEST(SafetensorsReader, TensorsOutliveTheFile) {
  Tensor kept;
  {
    WeightMap weights = parse(two_tensors());
    kept = weights.take("b", {2}).tensor;
  }
  EXPECT_THAT(kept.data<float>(), ElementsAre(1.5F, -2.0F));
}

TEST(SafetensorsReader, EveryTruncationIsRefused) {
  const std::string whole = two_tensors();
  expect_truncations_refused(whole, [](const std::string& bytes) { parse(bytes); });
}

TEST(SafetensorsReader, EverySingleBitFlipIsRefusedOrLoads) {
  const std::string whole = two_tensors();
  const int refused = expect_bit_flips_refused_or_read(whole, [](const std::string& bytes) {
    const WeightMap weights = parse(bytes);
    for (const auto& [name, weight] : weights.all()) EXPECT_FALSE(weight.tensor.empty());
  });
  EXPECT_GT(refused, 500);
}

TEST(SafetensorsReader, RefusesHeaderLengthsThatTheFileContradicts) {
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
        std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    std::string file = two_tensors();
    std::memcpy(file.data(), &length, sizeof length);
    EXPECT_EQ(refusal(file).first, ErrorCode::corrupt) << length;
  }
}

TEST(SafetensorsReader, HostileHeadersAreRefusedWithTheirReason) {
  const struct {
    std::string header;
    ErrorCode code;
    std::string reason;
  } cases[] = {
      {R"({"a":{"dtype":"F32","shape":[4194305,4194305,211106198978564],"data_offsets":[0,8]}})",
       ErrorCode::corrupt, "overflows"},
      {R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8]}})",
       ErrorCode::corrupt, "overflows"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})",
       ErrorCode::corrupt, "axes"},
      {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", ErrorCode::corrupt, "empty"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", ErrorCode::corrupt, "shape"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", ErrorCode::corrupt, "shape"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", ErrorCode::corrupt, "offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", ErrorCode::corrupt, "start"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", ErrorCode::corrupt, "cover"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       ErrorCode::corrupt, "start"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       ErrorCode::corrupt, "twice"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", ErrorCode::unsupported,
       "F8_E4M3"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", ErrorCode::corrupt,
       "expected {dtype"},
      {R"({"__metadata__":{"n":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       ErrorCode::corrupt, "__metadata__"},
      {R"({"a":)" + std::string(100'000, '[') + "1", ErrorCode::corrupt, "nested"},
      {R"({"a":1e400})", ErrorCode::corrupt, "number"},
      {R"([])", ErrorCode::corrupt, "'{'"},
      {"{\"\xff\":1}", ErrorCode::corrupt, "byte"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x)", ErrorCode::corrupt, "byte"},
  };
  for (const auto& hostile : cases) {
    const auto [code, message] = refusal(file_of(hostile.header, std::string(8, '\0')));
    EXPECT_EQ(code, hostile.code) << hostile.header.substr(0, 100) << '\n' << message;
    EXPECT_THAT(message, HasSubstr(hostile.reason));
  }
}

TEST(SafetensorsReader, EveryNonFiniteFloatIsRefusedByName) {
  const struct {
    const char* dtype;
    std::vector<std::uint64_t> bits;
  } types[] = {{"F16", {0x7C00, 0xFC00, 0x7E00}},
               {"BF16", {0x7F80, 0xFF80, 0x7FC0}},
               {"F32", {0x7F800000, 0xFF800000, 0x7FC00000}},
               {"F64", {0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000}}};
  for (const auto& [dtype, patterns] : types) {
    const std::size_t width = dtype[0] == 'B' ? 2 : std::stoul(dtype + 1) / 8;
    const std::string header = std::string(R"({"w.x":{"dtype":")") + dtype +
                               R"(","shape":[5],"data_offsets":[0,)" + std::to_string(5 * width) +
                               "]}}";
    for (const std::uint64_t pattern : patterns) {
      std::string data(5 * width, '\0');
      EXPECT_NO_THROW(parse(file_of(header, data)));
      std::memcpy(data.data() + 3 * width, &pattern, width);
      const auto [code, message] = refusal(file_of(header, data));
      EXPECT_EQ(code, ErrorCode::corrupt);
      EXPECT_THAT(message, HasSubstr("'w.x'"));
    }
  }
}

TEST(SafetensorsReader, LimitsHoldAtTheLimitAndNotBeyond) {
  Limits limits;
  limits.max_tensors = 3;  // two tensors and the metadata
  EXPECT_NO_THROW(parse(two_tensors(), limits));
  limits.max_tensors = 2;
  EXPECT_EQ(refusal(two_tensors(), limits).first, ErrorCode::resource_exhausted);
  limits = {};
  limits.max_config_bytes = std::strlen(kTwoTensors);
  EXPECT_NO_THROW(parse(two_tensors(), limits));
  --limits.max_config_bytes;
  EXPECT_EQ(refusal(two_tensors(), limits).first, ErrorCode::resource_exhausted);
}

TEST(SafetensorsReader, PicklesAreRefusedWithAdvice) {
  const TemporaryFolder folder;
  folder.write("pytorch_model.bin", "PK\x03\x04 anything");
  for (const std::string& path : {folder.path(), folder.path() + "/pytorch_model.bin"}) {
    try {
      read_safetensors(path, {});
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_THAT(error.hint(), HasSubstr("safe_serialization=True"));
    }
  }
}

// --- Shards -------------------------------------------------------------------------------------

std::string shard_with(const std::string& name, float value) {
  return file_of("{\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                 floats({value}));
}

ErrorCode sharded_refusal(const TemporaryFolder& folder, const std::string& index) {
  folder.write("model.safetensors.index.json", index);
  try {
    read_safetensors(folder.path(), {});
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << index << " was accepted";
  return ErrorCode::internal;
}

TEST(SafetensorsReader, ShardsAddUpToOneMap) {
  const TemporaryFolder folder;
  folder.write("1.safetensors", shard_with("a", 1));
  folder.write("2.safetensors", shard_with("b", 2));
  folder.write("model.safetensors.index.json",
               R"({"metadata":{},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  WeightMap weights = read_safetensors(folder.path(), {});
  EXPECT_THAT(weights.take("a", {1}).tensor.data<float>(), ElementsAre(1));
  EXPECT_THAT(weights.take("b", {1}).tensor.data<float>(), ElementsAre(2));
}

TEST(SafetensorsReader, AnIndexMustDescribeItsShards) {
  const TemporaryFolder folder;
  folder.write("1.safetensors", shard_with("a", 1));
  folder.write("2.safetensors", shard_with("a", 2));
  using Code = ErrorCode;
  EXPECT_EQ(sharded_refusal(folder, "{}"), Code::corrupt);
  EXPECT_EQ(sharded_refusal(folder, R"({"weight_map":{"a":"3.safetensors"}})"), Code::not_found);
  EXPECT_EQ(sharded_refusal(folder, R"({"weight_map":{"b":"1.safetensors"}})"), Code::corrupt);
  EXPECT_EQ(sharded_refusal(folder, R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})"),
            Code::corrupt);
  EXPECT_EQ(sharded_refusal(folder, R"({"weight_map":{"a":"1.safetensors","a":"1.safetensors"}})"),
            Code::corrupt);
}

TEST(SafetensorsReader, ShardNamesCannotLeaveTheFolder) {
  const TemporaryFolder folder;
  for (const char* name : {"../x", "/etc/passwd", "a/../../x", "..", "", "a\\u0000b", "sub/x"})
    EXPECT_EQ(sharded_refusal(folder, std::string(R"({"weight_map":{"a":")") + name + "\"}}"),
              ErrorCode::corrupt)
        << name;
}

TEST(SafetensorsReader, AFaultOfTheSystemAtAnyCallIsATypedErrorOrTheWholeModel) {
  const TemporaryFolder folder;
  folder.write("1.safetensors", shard_with("a", 1));
  folder.write("2.safetensors", shard_with("b", 2));
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  using Fault = FaultyFileSystem::Fault;
  FaultyFileSystem counting(Fault::none, 0);
  {
    const ScopedFileSystem scope(counting);
    EXPECT_EQ(read_safetensors(folder.path(), {}).all().size(), 2U);
  }
  EXPECT_GT(counting.calls(), 15);  // five for each of three files, and the search for them
  for (const Fault fault : {Fault::io_error, Fault::interruption, Fault::short_read}) {
    for (int at = 0; at < counting.calls(); ++at) {
      FaultyFileSystem faulty(fault, at);
      const ScopedFileSystem scope(faulty);
      try {
        EXPECT_EQ(read_safetensors(folder.path(), {}).all().size(), 2U);
      } catch (const Error& error) {
        EXPECT_EQ(fault, Fault::io_error) << "call " << at << ": " << error.what();
        EXPECT_NE(error.code(), ErrorCode::internal);
      }
      EXPECT_EQ(faulty.open_handles(), 0);
    }
  }
}

TEST(SafetensorsReader, ReadsTheGoldenModel) {
  WeightMap weights = read_safetensors(std::string(TANDEM_GOLDEN_DIR) + "/hf/marian", {});
  const Tensor& bias = weights.take("final_logits_bias", {1, -1}).tensor;
  EXPECT_EQ(bias.dtype(), DType::float32);
  EXPECT_GT(weights.all().size(), 50U);
}

}  // namespace
}  // namespace tandem
