// Laws of the reader of CTranslate2's model.bin.
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "models/readers/ctranslate2_model_file.h"
#include "support/ctranslate2_writer.h"
#include "support/damaged_bytes.h"
#include "support/expect_error.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Writer = CTranslate2Writer;

// Something of every type that a version can tell apart.
Writer small_model(std::uint32_t version) {
  Writer writer(version);
  writer.floats("a/weight", {2, 3}, {0.5F, 1.0F, -1.5F, 2, 3, 4})
      .add<std::int8_t>("b/weight", {2, 2}, Writer::int8, {1, -2, 3, -127})
      .floats("b/weight_scale", {2}, {4, 8})
      .add<std::int16_t>("c/weight", {1, 2}, Writer::int16, {1000, -500})
      .number("heads", 8)
      .text("unk_token", "<unk>");
  if (version >= 4)
    writer.add<std::int32_t>("d", {}, Writer::int32, {70'000})
        .add<std::uint16_t>("e", {2}, Writer::float16, {0x3C00, 0xC000})
        .add<std::uint16_t>("f", {1}, Writer::bfloat16, {0x3F80});
  if (version >= 3) writer.alias("z/weight", "b/weight");
  return writer;
}

CTranslate2ModelFile parse(const std::string& content, const Limits& limits = {}) {
  return parse_ctranslate2_model(as_file(content), limits);
}

std::pair<ErrorCode, std::string> refusal(const std::string& content, const Limits& limits = {}) {
  return refusal_of([&] { parse(content, limits); });
}

TEST(CTranslate2ModelFile, EveryVersionGivesWhatWasWritten) {
  for (std::uint32_t version = 1; version <= 6; ++version) {
    SCOPED_TRACE(version);
    const CTranslate2ModelFile model = parse(small_model(version).bytes());
    EXPECT_EQ(model.version, version);
    EXPECT_EQ(model.spec, version == 1 ? "" : "TransformerSpec");
    EXPECT_EQ(model.revision, version == 1 ? 1U : 7U);
    EXPECT_THAT(model.variables.at("a/weight").data<float>(),
                ElementsAre(0.5F, 1.0F, -1.5F, 2, 3, 4));
    EXPECT_EQ(model.variables.at("a/weight").shape(), (Shape{2, 3}));
    EXPECT_THAT(model.variables.at("b/weight").data<std::int8_t>(), ElementsAre(1, -2, 3, -127));
    EXPECT_THAT(model.variables.at("c/weight").data<std::int16_t>(), ElementsAre(1000, -500));
    EXPECT_EQ(model.variables.at("heads").shape().rank(), 0);
    EXPECT_EQ(model.variables.at("heads").data<std::int16_t>()[0], 8);
  }
}

TEST(CTranslate2ModelFile, TypesOfTwoAndFourBytesAreToldApartFromVersion4On) {
  const CTranslate2ModelFile model = parse(small_model(4).bytes());
  EXPECT_EQ(model.variables.at("d").data<std::int32_t>()[0], 70'000);
  EXPECT_THAT(model.variables.at("e").to_float32().data<float>(), ElementsAre(1, -2));
  EXPECT_THAT(model.variables.at("f").to_float32().data<float>(), ElementsAre(1));
}

TEST(CTranslate2ModelFile, AnAliasSharesTheBytesAndTheScale) {
  const CTranslate2ModelFile model = parse(small_model(6).bytes());
  EXPECT_EQ(model.variables.at("z/weight").raw(), model.variables.at("b/weight").raw());
  EXPECT_EQ(model.variables.at("z/weight_scale").raw(), model.variables.at("b/weight_scale").raw());
  // A scale that is an alias itself is one all the same.
  const CTranslate2ModelFile named =
      parse(small_model(6).alias("z/weight_scale", "b/weight_scale").bytes());
  EXPECT_EQ(named.variables.size(), model.variables.size());
}

TEST(CTranslate2ModelFile, EveryTruncationAndEveryExtensionIsRefused) {
  for (const std::uint32_t version : {1U, 2U, 3U, 6U}) {
    const std::string whole = small_model(version).bytes();
    expect_truncations_refused(whole, [](const std::string& bytes) { parse(bytes); });
    EXPECT_EQ(refusal(whole + '\0').first, ErrorCode::corrupt);
  }
}

TEST(CTranslate2ModelFile, EverySingleBitFlipIsRefusedOrLoads) {
  const std::string whole = small_model(6).bytes();
  const int refused = expect_bit_flips_refused_or_read(
      whole, [](const std::string& bytes) { EXPECT_GE(parse(bytes).variables.size(), 10U); });
  EXPECT_GT(refused, 1000);
}

TEST(CTranslate2ModelFile, HostileFilesAreRefusedWithTheirReason) {
  // Where the fields of version 6 lie: version, spec, revision, count, first name, rank, extents,
  // type, bytes.
  constexpr std::size_t kName = 4 + 2 + 16 + 4 + 4, kRank = kName + 2 + 9;
  const struct {
    std::size_t offset;
    std::string bytes;
    ErrorCode code;
    const char* reason;
  } cases[] = {
      {0, std::string("\7\0\0\0", 4), ErrorCode::unsupported, "version 7"},
      {0, std::string("\0\0\0\0", 4), ErrorCode::unsupported, "version 0"},
      {kName - 4, "\xFF\xFF\xFF\xFF", ErrorCode::corrupt, "too short"},
      {kName, std::string("\0\0", 2), ErrorCode::corrupt, "NUL"},
      {kName, std::string("\4\0", 2), ErrorCode::corrupt, "NUL"},
      {kRank, "\x09", ErrorCode::corrupt, "9 axes"},
      {kRank + 1, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", ErrorCode::corrupt, "overflows"},
      {kRank + 1, std::string("\3\0\0\0", 4), ErrorCode::corrupt, "needs 36 bytes"},
      {kRank + 9, "\6", ErrorCode::corrupt, "unknown type 6"},
      {kRank + 10, "\xFF", ErrorCode::corrupt, "the file gives it 255"},
  };
  for (const auto& hostile : cases) {
    std::string file = small_model(6).bytes();
    file.replace(hostile.offset, hostile.bytes.size(), hostile.bytes);
    const auto [code, message] = refusal(file);
    EXPECT_EQ(code, hostile.code) << message;
    EXPECT_THAT(message, HasSubstr(hostile.reason));
  }
}

TEST(CTranslate2ModelFile, WhatCannotBeAVariableIsRefusedByName) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::pair<ErrorCode, std::string> refusals[] = {
      refusal(Writer().floats("bad", {1}, {infinity}).bytes()),
      refusal(Writer().add<std::uint16_t>("bad", {1}, Writer::float16, {0x7C00}).bytes()),
      refusal(Writer().floats("bad", {1}, {1}).floats("bad", {1}, {2}).bytes()),
      refusal(Writer().floats("bad", {2}, {1}).bytes()),
      refusal(Writer(3).add({"bad", {1}, Writer::int32, "abc"}).bytes()),
      refusal(Writer().alias("bad", "missing").bytes()),
      refusal(Writer().floats("bad", {1}, {1}).alias("bad", "bad").bytes()),
  };
  for (const auto& [code, message] : refusals) {
    EXPECT_EQ(code, ErrorCode::corrupt) << message;
    EXPECT_THAT(message, HasSubstr("'bad'"));
  }
}

TEST(CTranslate2ModelFile, LimitsHoldAtTheLimitAndNotBeyond) {
  Limits limits;
  limits.max_tensors = 9;
  EXPECT_NO_THROW(parse(small_model(6).bytes(), limits));
  limits.max_tensors = 8;
  EXPECT_EQ(refusal(small_model(6).bytes(), limits).first, ErrorCode::resource_exhausted);
}

}  // namespace
}  // namespace tandem
