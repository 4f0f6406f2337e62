// Reading files that may be hostile, broken, or changing.
//
// A file is copied into private memory with pread and not mapped: truncating a mapped file kills
// the process that reads it (SIGBUS), and no library can recover from that. The cost is one copy.
// FileBytes::map is for the one kind of file that is worth the risk: packed models, which Tandem
// writes itself and never changes in place.
// Only regular files are read (a FIFO does not block, a device does not run for ever); symbolic
// links are followed, because the Hugging Face cache is made of them. The size is checked against a
// limit before memory is taken, and a file that changes while it is read is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

// What readers ask of an open file.
struct FileStatus {
  enum class Kind { regular, directory, other };
  Kind kind = Kind::other;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;  // since the epoch
};

// The operating system as the readers see it; tests put one in its place that fails on demand.
// Every call returns a negative errno on failure. Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Read-only and without blocking; a handle >= 0 that `close` must get.
  virtual int open(const std::string& path) = 0;
  virtual int status(int handle, FileStatus& status) = 0;
  // At most out.size() bytes from `offset`; 0 at the end. May read fewer than asked.
  virtual std::int64_t read(int handle, std::span<std::byte> out, std::uint64_t offset) = 0;
  // The first `bytes` > 0 of the file, read-only, for as long as `data` lives; the handle may be
  // closed before.
  virtual int map(int handle, std::size_t bytes, std::shared_ptr<const std::byte>& data) = 0;
  virtual void close(int handle) = 0;
  // The names in a directory without "." and "..", in no order.
  virtual int list(const std::string& directory, std::vector<std::string>& names) = 0;
};

// The one in use: the operating system's, unless a ScopedFileSystem lives.
FileSystem& file_system();

// For tests: every read of the process goes to `replacement` while this lives.
class ScopedFileSystem {
 public:
  explicit ScopedFileSystem(FileSystem& replacement);
  ~ScopedFileSystem();
  ScopedFileSystem(const ScopedFileSystem&) = delete;
  ScopedFileSystem& operator=(const ScopedFileSystem&) = delete;

 private:
  FileSystem* previous_;
};

class OpenFile;  // file_io.cc

// The bytes of a whole file in memory that is aligned to 64 bytes. Copies share the memory.
class FileBytes {
 public:
  // `what` names the file's role in messages, such as "model weights". Throws Error: not_found,
  // resource_exhausted (more than max_bytes, or no memory), corrupt (not a regular file, cannot be
  // read, changed while it was read), invalid_argument (a NUL in the path).
  static FileBytes read(const std::string& path, std::size_t max_bytes, std::string_view what);
  // The same without a copy: the file is mapped and its pages are read when they are used. Nobody
  // may write to it or shorten it while this lives; a file that is replaced by renaming another
  // over it is safe. The file stays open, for `copy`.
  static FileBytes map(const std::string& path, std::size_t max_bytes, std::string_view what);
  // A copy of bytes in memory, as if they had been read from a file of this name.
  static FileBytes copy_of(std::span<const std::byte> bytes, std::string name);

  std::span<const std::byte> bytes() const { return bytes_; }
  // Fills `out` from byte `offset` on. A mapped file is read, not touched: a touched page stays in
  // the process's memory, and Linux maps fifteen neighbours with it. One system call. Throws
  // Error{corrupt} for what is not in the file or cannot be read. Thread-safe.
  void copy(std::size_t offset, std::span<std::byte> out) const;
  // Keeps the memory alive, for tensors that borrow from it.
  const std::shared_ptr<const void>& owner() const { return owner_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const OpenFile> open_;  // of a mapped file; otherwise null
};

// The same as text.
std::string read_file(const std::string& path, std::size_t max_bytes, std::string_view what);

// The names in a directory, sorted. Throws Error: not_found, resource_exhausted (over 100,000).
std::vector<std::string> list_directory(const std::string& path);

// Whether there is something at `path` that can be opened and is a directory, or a regular file.
bool is_directory(const std::string& path);
bool is_regular_file(const std::string& path);

// "folder" and "name" to "folder/name".
std::string join_path(std::string_view folder, std::string_view name);

// True for a name that stays in its folder: not empty, no separator, no NUL, neither "." nor "..".
bool is_plain_file_name(std::string_view name);

}  // namespace tandem
