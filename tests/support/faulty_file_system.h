// A file system that fails on demand, for ScopedFileSystem: what a reader does when a disk, a
// signal or another program interferes at any moment.
#pragma once

#include <cerrno>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_io.h"

namespace tandem {

// The operating system with one fault at call number `at` (from 0), counted over all its calls.
class FaultyFileSystem final : public FileSystem {
 public:
  enum class Fault { none, io_error, interruption, short_read, grow, shrink };
  FaultyFileSystem(Fault fault, int at) : fault_(fault), at_(at), system_(file_system()) {}

  int calls() const { return calls_; }
  int open_handles() const { return open_handles_; }

  int open(const std::string& path) override {
    if (hit() && fault_ == Fault::io_error) return -EMFILE;
    const int handle = system_.open(path);
    open_handles_ += handle >= 0;
    return handle;
  }
  int status(int handle, FileStatus& status) override {
    if (hit() && fault_ == Fault::io_error) return -EIO;
    return system_.status(handle, status);
  }
  std::int64_t read(int handle, std::span<std::byte> out, std::uint64_t offset) override {
    if (hit()) {
      if (fault_ == Fault::io_error) return -EIO;
      if (fault_ == Fault::interruption) return -EINTR;
      if (fault_ == Fault::short_read) out = out.first((out.size() + 1) / 2);
      if (fault_ == Fault::grow) std::filesystem::resize_file(path_, 5000);
      if (fault_ == Fault::shrink) std::filesystem::resize_file(path_, 10);
    }
    return system_.read(handle, out, offset);
  }
  int map(int handle, std::size_t bytes, std::shared_ptr<const std::byte>& data) override {
    if (hit() && fault_ == Fault::io_error) return -ENODEV;
    return system_.map(handle, bytes, data);
  }
  void close(int handle) override {
    --open_handles_;
    system_.close(handle);
  }
  int list(const std::string& directory, std::vector<std::string>& names) override {
    if (hit() && fault_ == Fault::io_error) return -EIO;
    return system_.list(directory, names);
  }
  // The file that grows or shrinks.
  void set_path(const std::string& path) { path_ = path; }

 private:
  bool hit() { return calls_++ == at_; }

  Fault fault_;
  int at_;
  FileSystem& system_;
  std::string path_;
  int calls_ = 0;
  int open_handles_ = 0;
};

}  // namespace tandem
