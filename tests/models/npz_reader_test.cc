// Laws of the readers of ZIP archives, NumPy arrays and Marian's .npz models.
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "models/readers/marian_npz.h"
#include "models/readers/npz.h"
#include "support/damaged_bytes.h"
#include "support/expect_error.h"
#include "support/npz_writer.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<NpzArray> parse(const std::string& content, const Limits& limits = {}) {
  return parse_npz(as_file(content), limits);
}

std::pair<ErrorCode, std::string> refusal(const std::string& content, const Limits& limits = {}) {
  return refusal_of([&] { parse(content, limits); });
}

std::string archive_of(const std::string& npy) {
  return ZipWriter().add("a.npy", npy).bytes();
}

ZipWriter two_arrays() {
  ZipWriter writer;
  writer.add("W.npy", npy_floats("(2, 3)", {1, 2, 3, 4, 5, 6}))
      .add("b.npy", npy_floats("(2,)", {0.5F, -1}), /*deflated=*/true);
  return writer;
}

TEST(Npz, ReadsStoredAndDeflatedArrays) {
  const std::vector<NpzArray> arrays = parse(two_arrays().bytes());
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[0].name, "W");
  EXPECT_EQ(arrays[0].tensor.shape(), (Shape{2, 3}));
  EXPECT_THAT(arrays[0].tensor.data<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(arrays[1].name, "b");
  EXPECT_THAT(arrays[1].tensor.data<float>(), ElementsAre(0.5F, -1));
  EXPECT_EQ(parse(two_arrays().bytes("a comment")).size(), 2U);
}

TEST(Npz, ReadsWhatNumPyWrote) {
  const std::vector<NpzArray> arrays =
      read_npz(std::string(TANDEM_GOLDEN_DIR) + "/hf/marian/debug.npz", {});
  EXPECT_FALSE(arrays.empty());
  std::map<std::string, Shape> shapes;
  for (const NpzArray& array : arrays) shapes[array.name] = array.tensor.shape();
  EXPECT_EQ(shapes.size(), 12U);
  EXPECT_EQ(shapes.at("input_ids"), (Shape{6}));
  EXPECT_EQ(shapes.at("logits"), (Shape{1, 3, 120}));
  EXPECT_EQ(shapes.at("input_features"), (Shape{0})) << "an empty array is an array";
}

TEST(Npz, ReadsEveryElementTypeAndHeaderVersion) {
  const struct {
    const char* name;
    DType type;
  } types[] = {{"<f4", DType::float32}, {"<f2", DType::float16}, {"<f8", DType::float64},
               {"|i1", DType::int8},    {"<i1", DType::int8},    {"|u1", DType::uint8},
               {"<i2", DType::int16},   {"<i4", DType::int32},   {"=i8", DType::int64}};
  for (const auto& [name, type] : types)
    EXPECT_EQ(parse(archive_of(npy_file(name, "(1, 2)", std::string(2 * size_of(type), '\0'))))[0]
                  .tensor.dtype(),
              type);
  std::string version_2 = npy_floats("()", {7});
  version_2[6] = 2;
  version_2.insert(10, 2, '\0');  // the length has four bytes
  EXPECT_THAT(parse(archive_of(version_2))[0].tensor.data<float>(), ElementsAre(7));
}

TEST(Npz, FortranOrderComesOutInCOrder) {
  std::string data;
  for (const float value : {1.0F, 4.0F, 2.0F, 5.0F, 3.0F, 6.0F}) append(data, value);
  const auto arrays = parse(archive_of(npy_file("<f4", "(2, 3)", data, "True")));
  EXPECT_EQ(arrays[0].tensor.shape(), (Shape{2, 3}));
  EXPECT_THAT(arrays[0].tensor.data<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(refusal(archive_of(npy_file("<f4", "(2, 3, 1)", data, "True"))).first,
            ErrorCode::unsupported);
}

TEST(Npz, DoesNotDependOnTheAlignmentOfTheMembers) {
  for (std::size_t length = 1; length < 9; ++length) {
    const std::string name(length, 'n');
    const auto arrays = parse(ZipWriter().add(name + ".npy", npy_floats("(2,)", {3, 4})).bytes());
    EXPECT_THAT(arrays[0].tensor.data<float>(), ElementsAre(3, 4));
  }
}

TEST(Npz, HostileHeadersAreRefusedWithTheirReason) {
  const std::string eight(8, '\0');
  const struct {
    std::string type, shape, order;
    ErrorCode code;
  } cases[] = {{"|O", "(1,)", "False", ErrorCode::unsupported},
               {">f4", "(2,)", "False", ErrorCode::unsupported},
               {"<f16", "(1,)", "False", ErrorCode::unsupported},
               {"|b1", "(8,)", "False", ErrorCode::unsupported},
               {"<f4", "(4294967296, 4294967296, 4294967296)", "False", ErrorCode::corrupt},
               {"<f4", "(4611686018427387905,)", "False", ErrorCode::corrupt},
               {"<f4", "(99999999999999999999,)", "False", ErrorCode::corrupt},
               {"<f4", "(-2,)", "False", ErrorCode::corrupt},
               {"<f4", "(0,)", "False", ErrorCode::corrupt},
               {"<f4", "(3,)", "False", ErrorCode::corrupt},
               {"<f4", "(1,)", "False", ErrorCode::corrupt},
               {"<f4", "(1, 1, 1, 1, 1, 1, 1, 1, 2)", "False", ErrorCode::corrupt},
               {"<f4", "2", "False", ErrorCode::corrupt},
               {"<f4", "(2,), 'shape': (2,)", "False", ErrorCode::corrupt},
               {"<f4", "(2,), 'x': 1", "False", ErrorCode::corrupt},
               {"<f4", "(2,", "False", ErrorCode::corrupt},
               {"<f4", "(2,)", "maybe", ErrorCode::corrupt},
               {"<f4', 'descr': '<f4", "(2,)", "False", ErrorCode::corrupt}};
  for (const auto& hostile : cases)
    EXPECT_EQ(
        refusal(archive_of(npy_file(hostile.type, hostile.shape, eight, hostile.order))).first,
        hostile.code)
        << hostile.type << ' ' << hostile.shape;
  std::string version_9 = npy_floats("(1,)", {1});
  version_9[6] = 9;
  EXPECT_EQ(refusal(archive_of(version_9)).first, ErrorCode::unsupported);
  EXPECT_EQ(refusal(archive_of("not numpy at all")).first, ErrorCode::corrupt);
  EXPECT_EQ(refusal(ZipWriter().add("a.txt", "text").bytes()).first, ErrorCode::corrupt);
}

TEST(Npz, ForgedArchivesAreRefused) {
  const auto forged = [](auto change) {
    ZipWriter writer = two_arrays();
    change(writer.last());
    return refusal(writer.bytes());
  };
  using Member = ZipWriter::Member;
  EXPECT_EQ(forged([](Member& m) { m.crc ^= 1; }).first, ErrorCode::corrupt);
  EXPECT_EQ(forged([](Member& m) { m.bytes += 1; }).first, ErrorCode::corrupt);
  EXPECT_EQ(forged([](Member& m) { m.bytes -= 1; }).first, ErrorCode::corrupt);
  EXPECT_EQ(forged([](Member& m) { m.bytes = 0xFFFFFFFE; }).first, ErrorCode::corrupt)
      << "more than deflate can expand to";
  EXPECT_EQ(forged([](Member& m) { m.bytes = 0xFFFFFFFF; }).first, ErrorCode::unsupported)
      << "ZIP64";
  EXPECT_EQ(forged([](Member& m) { m.method = 0; }).first, ErrorCode::corrupt);
  EXPECT_EQ(forged([](Member& m) { m.method = 12; }).first, ErrorCode::unsupported);
  EXPECT_EQ(forged([](Member& m) { m.flags = 1; }).first, ErrorCode::unsupported) << "encrypted";
  EXPECT_EQ(forged([](Member& m) { m.stored += 'x'; }).first, ErrorCode::corrupt);
}

TEST(Npz, MembersThatShareBytesAreRefused) {
  std::string file = two_arrays().bytes();
  const std::size_t second_entry = file.rfind("PK\x01\x02");
  std::memset(file.data() + second_entry + 42, 0, 4);  // it begins where the first one does
  EXPECT_THAT(refusal(file).second, HasSubstr("overlaps"));
  file = two_arrays().bytes();
  file[28] = 60;  // the first local header claims more extra bytes: its data would reach the second
  EXPECT_THAT(refusal(file).second, HasSubstr("the data needs"));
}

TEST(Npz, EveryTruncationIsRefused) {
  const std::string whole = two_arrays().bytes();
  expect_truncations_refused(whole, [](const std::string& bytes) { parse(bytes); });
}

TEST(Npz, EverySingleBitFlipIsRefusedOrLoads) {
  const std::string whole = two_arrays().bytes();
  const int refused = expect_bit_flips_refused_or_read(
      whole, [](const std::string& bytes) { EXPECT_EQ(parse(bytes).size(), 2U); });
  EXPECT_GT(refused, 2000);
}

TEST(Npz, LimitsHoldAtTheLimitAndNotBeyond) {
  const std::string content = two_arrays().bytes();
  Limits limits;
  limits.max_tensors = 2;
  limits.max_model_bytes = npy_floats("(2, 3)", std::vector<float>(6)).size() +
                           npy_floats("(2,)", std::vector<float>(2)).size();
  EXPECT_NO_THROW(parse(content, limits));
  --limits.max_model_bytes;
  EXPECT_EQ(refusal(content, limits).first, ErrorCode::resource_exhausted);
  limits = {};
  limits.max_tensors = 1;
  EXPECT_EQ(refusal(content, limits).first, ErrorCode::resource_exhausted);
}

// --- Marian's models ----------------------------------------------------------------------------

const std::string kYaml("type: transformer\n\0", 19);

MarianModelFile parse_model(ZipWriter& writer) {
  return parse_marian_npz(as_file(writer.bytes()), {});
}

TEST(MarianNpz, ReadsWeightsArchitectureAndMultipliers) {
  ZipWriter writer = two_arrays();
  writer.add("W_QuantMultA.npy", npy_floats("(1, 1)", {12.5F}))
      .add("special:model.yml.npy", npy_file("<i1", "(19,)", kYaml));
  MarianModelFile model = parse_model(writer);
  EXPECT_THAT(model.weights.take("W", {2, 3}).tensor.data<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(model.weights.take("b", {1, 2}).tensor.data<float>(), ElementsAre(0.5F, -1))
      << "vectors are rows";
  EXPECT_NO_THROW(model.weights.check_all_used());
  EXPECT_EQ(model.model_yaml, "type: transformer\n");
  EXPECT_EQ(model.activation_multipliers.at("W"), 12.5F);
  EXPECT_EQ(model.items.size(), 4U);
  EXPECT_EQ(model.items[3].type, "int8");
}

TEST(MarianNpz, RefusesWhatIsNoModel) {
  const auto code_of = [](ZipWriter writer, bool with_yaml) {
    if (with_yaml) writer.add("special:model.yml.npy", npy_file("|i1", "(19,)", kYaml));
    try {
      parse_model(writer);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(code_of(two_arrays(), false), ErrorCode::corrupt) << "no architecture";
  EXPECT_EQ(code_of(ZipWriter().add("W.npy", npy_floats("(1,)", {infinity})), true),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(ZipWriter().add("W.npy", npy_floats("(0,)", {})), true), ErrorCode::corrupt);
  EXPECT_EQ(code_of(two_arrays().add("W.npy", npy_floats("(1,)", {1})), true), ErrorCode::corrupt);
}

}  // namespace
}  // namespace tandem
