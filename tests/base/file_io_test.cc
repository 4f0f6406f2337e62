// Laws of file reading: the whole file or a typed Error, whatever the system does in between.
#include "base/file_io.h"

#include <filesystem>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <tandem/error.h>

#include "support/expect_error.h"
#include "support/faulty_file_system.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;

using Fault = FaultyFileSystem::Fault;

ErrorCode refusal(const std::string& path, std::size_t limit = 1 << 20) {
  try {
    FileBytes::read(path, limit, "a test");
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << path << " was read";
  return ErrorCode::internal;
}

TEST(FileIo, ReadsExactlyTheBytesIntoAlignedMemory) {
  const TemporaryFolder folder;
  for (const std::size_t size : {0, 1, 63, 64, 65, 100'000}) {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7);
    const std::string path = folder.write("f", content);
    EXPECT_EQ(read_file(path, size, "a test"), content);
    const FileBytes file = FileBytes::read(path, size, "a test");
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.bytes().data()) % 64, 0U);
  }
}

TEST(FileIo, TheLimitHoldsAtTheLimitAndNotBeyond) {
  const TemporaryFolder folder;
  const std::string path = folder.write("f", "12345");
  EXPECT_EQ(read_file(path, 5, "a test"), "12345");
  EXPECT_EQ(refusal(path, 4), ErrorCode::resource_exhausted);
}

TEST(FileIo, AHugeSparseFileIsRefusedWithoutBeingRead) {
  const TemporaryFolder folder;
  const std::string path = folder.write("f", "");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
  EXPECT_EQ(refusal(path), ErrorCode::resource_exhausted);
}

TEST(FileIo, OnlyRegularFilesAreReadAndNothingBlocks) {
  const TemporaryFolder folder;
  const std::string fifo = folder.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(refusal(fifo), ErrorCode::corrupt);
  EXPECT_EQ(refusal(folder.path()), ErrorCode::corrupt);
  EXPECT_EQ(refusal("/dev/zero"), ErrorCode::corrupt);
  EXPECT_EQ(refusal("/proc/self/mem"), ErrorCode::corrupt);  // claims to be regular and empty
  EXPECT_EQ(refusal(folder.path() + "/missing"), ErrorCode::not_found);
  EXPECT_EQ(refusal(folder.write("f", "x") + "/below"), ErrorCode::not_found);
  EXPECT_EQ(refusal(std::string("a\0b", 3)), ErrorCode::invalid_argument);
}

TEST(FileIo, SymbolicLinksAreFollowedAsTheHuggingFaceCacheNeeds) {
  const TemporaryFolder folder;
  folder.write("blob", "content");
  std::filesystem::create_symlink("blob", folder.path() + "/model");
  EXPECT_EQ(read_file(folder.path() + "/model", 100, "a test"), "content");
}

TEST(FileIo, AFaultAtAnyCallIsATypedErrorOrTheWholeFile) {
  const TemporaryFolder folder;
  const std::string content(3000, 'x');
  const std::string path = folder.write("f", content);
  FaultyFileSystem counting(Fault::none, 0);
  {
    const ScopedFileSystem scope(counting);
    EXPECT_EQ(read_file(path, 5000, "a test"), content);
  }
  EXPECT_GE(counting.calls(), 5);  // open, status, read, status, read beyond the end
  for (const Fault fault : {Fault::io_error, Fault::interruption, Fault::short_read}) {
    for (int at = 0; at < counting.calls(); ++at) {
      FaultyFileSystem faulty(fault, at);
      const ScopedFileSystem scope(faulty);
      try {
        EXPECT_EQ(read_file(path, 5000, "a test"), content);
        EXPECT_NE(fault, Fault::io_error) << "call " << at;
      } catch (const Error& error) {
        EXPECT_EQ(fault, Fault::io_error) << "call " << at << ": " << error.what();
        EXPECT_NE(error.code(), ErrorCode::internal);
      }
      EXPECT_EQ(faulty.open_handles(), 0);
    }
  }
}

TEST(FileIo, AFileThatGrowsOrShrinksWhileItIsReadIsAnError) {
  const TemporaryFolder folder;
  for (const Fault fault : {Fault::grow, Fault::shrink}) {
    const std::string path = folder.write("f", std::string(3000, 'x'));
    FaultyFileSystem faulty(fault, 2);  // the first read
    faulty.set_path(path);
    const ScopedFileSystem scope(faulty);
    EXPECT_EQ(refusal(path), ErrorCode::corrupt);
  }
}

TEST(FileIo, AMappedFileHasTheBytesAndStaysWhenItIsReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder.write("f", std::string(5000, 'x'));
  const FileBytes file = FileBytes::map(path, 5000, "a test");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.bytes().data()) % 64, 0U);
  std::filesystem::rename(folder.write("other", "short"), path);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()),
            std::string(5000, 'x'));
  EXPECT_TRUE(FileBytes::map(folder.write("empty", ""), 0, "a test").bytes().empty());
}

TEST(FileIo, WhatCannotBeReadCannotBeMapped) {
  const TemporaryFolder folder;
  const std::string path = folder.write("f", "1234");
  const auto map = [](const std::string& name) { FileBytes::map(name, 3, "a test"); };
  expect_error([&] { map(path); }, ErrorCode::resource_exhausted, "limit is 3");
  expect_error([&] { map(folder.path()); }, ErrorCode::corrupt, "regular file");
  expect_error([&] { map(path + "-none"); }, ErrorCode::not_found, "a test");
  for (int at = 0; at < 3; ++at) {  // open, status, map
    FaultyFileSystem faulty(Fault::io_error, at);
    const ScopedFileSystem scope(faulty);
    EXPECT_THROW(FileBytes::map(path, 4, "a test"), Error) << at;
    EXPECT_EQ(faulty.open_handles(), 0);
  }
}

TEST(FileIo, PartsAreThoseOfTheFileHoweverItIsHeld) {
  const TemporaryFolder folder;
  std::string content(5000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  const std::string path = folder.write("f", content);
  for (const FileBytes& file :
       {FileBytes::map(path, 5000, "a test"), FileBytes::read(path, 5000, "a test")}) {
    for (const std::size_t offset : {0, 1, 4095, 4999, 5000})
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, 5000 - offset}) {
        if (offset + count > 5000) continue;
        std::string part(count, 'x');
        file.copy(offset, std::as_writable_bytes(std::span(part)));
        EXPECT_EQ(part, content.substr(offset, count));
      }
    std::string part(2, 'x');
    for (const std::size_t offset : {std::size_t{4999}, std::size_t{5001}, ~std::size_t{0}})
      expect_error([&] { file.copy(offset, std::as_writable_bytes(std::span(part))); },
                   ErrorCode::corrupt, "5000");
  }
}

TEST(FileIo, AFaultWhileAPartIsReadIsATypedErrorOrTheWholePart) {
  const TemporaryFolder folder;
  const std::string path = folder.write("f", std::string(3000, 'x'));
  for (const Fault fault : {Fault::io_error, Fault::interruption, Fault::short_read}) {
    FaultyFileSystem faulty(fault, 3);  // after open, status and map
    const ScopedFileSystem scope(faulty);
    const FileBytes file = FileBytes::map(path, 5000, "a test");
    std::string part(2000, '\0');
    const auto copy = [&] { file.copy(500, std::as_writable_bytes(std::span(part))); };
    if (fault == Fault::io_error) expect_error(copy, ErrorCode::corrupt, "a test");
    copy();
    EXPECT_EQ(part, std::string(2000, 'x'));
  }
}

TEST(FileIo, DirectoriesAreListedInOrder) {
  const TemporaryFolder folder;
  for (const char* name : {"b", "a", "c.d"}) folder.write(name, "");
  EXPECT_THAT(list_directory(folder.path()), ElementsAre("a", "b", "c.d"));
  EXPECT_THROW(list_directory(folder.path() + "/missing"), Error);
  EXPECT_TRUE(is_directory(folder.path()));
  EXPECT_FALSE(is_regular_file(folder.path()));
  EXPECT_TRUE(is_regular_file(join_path(folder.path(), "a")));
}

TEST(FileIo, PlainFileNamesStayInTheirFolder) {
  for (const char* name : {"a", "model-00001-of-00002.safetensors", "..a", ".a"})
    EXPECT_TRUE(is_plain_file_name(name)) << name;
  for (const std::string& name : {std::string(""), std::string("."), std::string(".."),
                                  std::string("/a"), std::string("a/b"), std::string("a\0b", 3)})
    EXPECT_FALSE(is_plain_file_name(name)) << name;
}

}  // namespace
}  // namespace tandem
