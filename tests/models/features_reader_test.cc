// Laws of Features::read_npy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/features.h>

#include "support/expect_error.h"
#include "support/npz_writer.h"

namespace tandem {
namespace {

TEST(FeaturesReader, ReadsAMatrixOfFloats) {
  const TemporaryFolder folder;
  const Features features =
      Features::read_npy(folder.write("a.npy", npy_floats("(2, 3)", {1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(features.channels, 2);
  EXPECT_EQ(features.frames, 3);
  EXPECT_THAT(features.values, testing::ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(FeaturesReader, RefusesWhatIsNoMatrixOfFloats) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& content) {
    Features::read_npy(folder.write("a.npy", content));
  };
  expect_error(
      [&] {
        read(npy_floats("(6,)", {1, 2, 3, 4, 5, 6}));
      },
      ErrorCode::invalid_argument, "[6]");
  expect_error([&] { read(npy_file("<i2", "(1, 2)", "abcd")); }, ErrorCode::unsupported, "int16");
  expect_error([&] { read(npy_floats("(2, 3)", {1, 2})); }, ErrorCode::corrupt, "a.npy");
  expect_error([&] { Features::read_npy(folder.path() + "/none.npy"); }, ErrorCode::not_found,
               "none.npy");
  const std::string path = folder.write("b.npy", npy_floats("(1, 2)", {1, 2}));
  expect_error([&] { Features::read_npy(path, 16); }, ErrorCode::resource_exhausted, "b.npy");
}

}  // namespace
}  // namespace tandem
