// A directory appears whole or not at all, whatever fails in between.
#include "base/staged_directory.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/file_io.h"
#include "support/expect_error.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void write(StagedDirectory& directory, const std::string& name,
           const std::vector<std::string>& pieces) {
  std::vector<std::span<const std::byte>> bytes;
  for (const std::string& piece : pieces) bytes.push_back(std::as_bytes(std::span(piece)));
  directory.write(name, bytes);
}

std::string content(const std::string& path) {
  return read_file(path, 1000, "a test file");
}

TEST(StagedDirectory, AppearsWithAllFilesAtCommitAndNotBefore) {
  const TemporaryFolder folder;
  const std::string target = folder.path() + "/target";
  {
    StagedDirectory staged(target + "/");
    write(staged, "a", {"first ", "second"});
    write(staged, "b", {});
    EXPECT_FALSE(is_directory(target));
    staged.commit(false);
  }
  EXPECT_THAT(list_directory(folder.path()), ElementsAre("target"));
  EXPECT_THAT(list_directory(target), ElementsAre("a", "b"));
  EXPECT_EQ(content(target + "/a"), "first second");
}

TEST(StagedDirectory, LeavesNothingWithoutACommit) {
  const TemporaryFolder folder;
  {
    StagedDirectory staged(folder.path() + "/target");
    write(staged, "a", {"something"});
  }
  EXPECT_THAT(list_directory(folder.path()), IsEmpty());
}

TEST(StagedDirectory, TakesThePlaceOfADirectoryOnlyWhenAskedTo) {
  const TemporaryFolder folder;
  const std::string target = folder.path() + "/target";
  std::filesystem::create_directory(target);
  std::ofstream(target + "/old") << "old";
  {
    StagedDirectory staged(target);
    write(staged, "new", {"new"});
    expect_error([&] { staged.commit(false); }, ErrorCode::invalid_argument, "target");
    EXPECT_THAT(list_directory(target), ElementsAre("old"));
    staged.commit(true);
  }
  EXPECT_THAT(list_directory(target), ElementsAre("new"));
  EXPECT_THAT(list_directory(folder.path()), ElementsAre("target"));
}

TEST(StagedDirectory, AFullDiskIsATypedErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_error(
      [&] {
        StagedDirectory staged(folder.path() + "/target");
        write(staged, "fits", {std::string(100, 'x')});
        write(staged, "large", {std::string(60, 'x'), std::string(60, 'y')});
      },
      ErrorCode::resource_exhausted, "large");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(list_directory(folder.path()), IsEmpty());
}

TEST(StagedDirectory, RefusesPlacesThatItCannotWrite) {
  const TemporaryFolder folder;
  expect_error([&] { StagedDirectory staged(folder.path() + "/none/target"); },
               ErrorCode::not_found, "none");
  for (const char* name : {"", "/", ".", "some/.."})
    expect_error([&] { StagedDirectory staged{name}; }, ErrorCode::invalid_argument, "directory");
}

}  // namespace
}  // namespace tandem
