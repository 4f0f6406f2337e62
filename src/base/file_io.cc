#include "base/file_io.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tandem/error.h>

#include "base/quote.h"

namespace tandem {
namespace {

constexpr std::size_t kMaxDirectoryEntries = 100'000;
constexpr int kMaxInterruptions = 1000;  // of one read; more means that something is broken

class PosixFileSystem final : public FileSystem {
 public:
  int open(const std::string& path) override {
    const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return handle >= 0 ? handle : -errno;
  }

  int status(int handle, FileStatus& status) override {
    struct stat info {};
    if (::fstat(handle, &info) != 0) return -errno;
    status.kind = S_ISREG(info.st_mode)   ? FileStatus::Kind::regular
                  : S_ISDIR(info.st_mode) ? FileStatus::Kind::directory
                                          : FileStatus::Kind::other;
    status.bytes = static_cast<std::uint64_t>(info.st_size);
    status.modified_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    return 0;
  }

  std::int64_t read(int handle, std::span<std::byte> out, std::uint64_t offset) override {
    const ssize_t count = ::pread(handle, out.data(), out.size(), static_cast<off_t>(offset));
    return count >= 0 ? count : -errno;
  }

  int map(int handle, std::size_t bytes, std::shared_ptr<const std::byte>& data) override {
    void* memory = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, handle, 0);
    if (memory == MAP_FAILED) return -errno;
    data = {static_cast<const std::byte*>(memory),
            [bytes](const std::byte* p) { ::munmap(const_cast<std::byte*>(p), bytes); }};
    return 0;
  }

  void close(int handle) override { ::close(handle); }

  int list(const std::string& directory, std::vector<std::string>& names) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return -errno;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (names.size() == kMaxDirectoryEntries) return -E2BIG;
      names.emplace_back(name);
      errno = 0;
    }
    return -errno;
  }
};

std::atomic<FileSystem*> replaced_file_system{nullptr};

std::string doing(std::string_view what, const std::string& path) {
  return "reading " + std::string(what) + " " + quote(path) + ": ";
}

[[noreturn]] void throw_system_error(std::int64_t negative_errno, std::string_view what,
                                     const std::string& path) {
  const int code = static_cast<int>(-negative_errno);
  const std::string message = doing(what, path) + std::generic_category().message(code);
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
      throw Error(ErrorCode::not_found, message);
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case E2BIG:
      throw Error(ErrorCode::resource_exhausted, message);
    default:
      throw Error(ErrorCode::corrupt, message);
  }
}

[[noreturn]] void throw_changed(std::string_view what, const std::string& path) {
  throw Error(ErrorCode::corrupt, doing(what, path) + "the file changed while it was being read",
              "wait until the program that writes it is done");
}

}  // namespace

// An open file; closes itself.
class OpenFile {
 public:
  OpenFile(const std::string& path, std::string_view what)
      : system_(file_system()), path_(path), what_(what) {
    if (path.find('\0') != std::string::npos)
      throw Error(ErrorCode::invalid_argument, doing(what, path) + "the path holds a NUL byte");
    handle_ = system_.open(path);
    if (handle_ < 0) throw_system_error(handle_, what, path);
  }
  ~OpenFile() { system_.close(handle_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  FileStatus status() const {
    FileStatus status;
    if (const int failure = system_.status(handle_, status); failure < 0)
      throw_system_error(failure, what_, path_);
    return status;
  }

  // The size of a regular file of at most `max_bytes`; an Error for anything else.
  FileStatus checked_status(std::size_t max_bytes) const {
    const FileStatus found = status();
    if (found.kind != FileStatus::Kind::regular)
      throw Error(ErrorCode::corrupt, doing(what_, path_) + "expected a regular file");
    if (found.bytes > max_bytes)
      throw Error(ErrorCode::resource_exhausted,
                  doing(what_, path_) + "the file has " + std::to_string(found.bytes) +
                      " bytes, the limit is " + std::to_string(max_bytes));
    return found;
  }

  std::shared_ptr<const std::byte> map(std::size_t bytes) const {
    std::shared_ptr<const std::byte> data;
    if (const int failure = system_.map(handle_, bytes, data); failure < 0)
      throw_system_error(failure, what_, path_);
    return data;
  }

  // Fills `out`; a file that ends before has changed.
  void read_all(std::span<std::byte> out, std::uint64_t offset) const {
    constexpr std::size_t kLargestRead = std::size_t{1} << 30;  // Linux reads 2 GiB at most
    for (std::size_t done = 0; done < out.size();) {
      const std::size_t count =
          read_some(out.subspan(done, std::min(kLargestRead, out.size() - done)), offset + done);
      if (count == 0) throw_changed(what_, path_);
      done += count;
    }
  }

  // One read; repeats it when a signal interrupted it.
  std::size_t read_some(std::span<std::byte> out, std::uint64_t offset) const {
    std::int64_t count = -EINTR;
    for (int tries = 0; count == -EINTR && tries < kMaxInterruptions; ++tries)
      count = system_.read(handle_, out, offset);
    if (count < 0) throw_system_error(count, what_, path_);
    return static_cast<std::size_t>(count);
  }

 private:
  FileSystem& system_;
  std::string path_;
  std::string what_;
  int handle_ = -1;
};

namespace {

std::shared_ptr<std::byte> allocate_aligned(std::size_t bytes, const std::string& message_start) {
  void* memory = nullptr;
  if (::posix_memalign(&memory, 64, std::max<std::size_t>(bytes, 1)) != 0)
    throw Error(ErrorCode::resource_exhausted,
                message_start + "cannot allocate " + std::to_string(bytes) + " bytes");
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

// Fills `out` with the whole file and makes sure that it was the same file all the time.
void read_whole(const OpenFile& file, const FileStatus& before, std::span<std::byte> out,
                std::string_view what, const std::string& path) {
  file.read_all(out, 0);
  std::byte beyond{};
  const FileStatus after = file.status();
  if (after.bytes != before.bytes || after.modified_ns != before.modified_ns ||
      file.read_some({&beyond, 1}, before.bytes) != 0)
    throw_changed(what, path);
}

bool is_kind(const std::string& path, FileStatus::Kind kind) {
  if (path.find('\0') != std::string::npos) return false;
  FileSystem& system = file_system();
  const int handle = system.open(path);
  if (handle < 0) return false;
  FileStatus status;
  const bool same = system.status(handle, status) == 0 && status.kind == kind;
  system.close(handle);
  return same;
}

}  // namespace

FileSystem& file_system() {
  static PosixFileSystem posix;
  FileSystem* replaced = replaced_file_system.load();
  return replaced != nullptr ? *replaced : posix;
}

ScopedFileSystem::ScopedFileSystem(FileSystem& replacement)
    : previous_(replaced_file_system.exchange(&replacement)) {}

ScopedFileSystem::~ScopedFileSystem() {
  replaced_file_system.store(previous_);
}

FileBytes FileBytes::read(const std::string& path, std::size_t max_bytes, std::string_view what) {
  const OpenFile file(path, what);
  const FileStatus status = file.checked_status(max_bytes);
  const auto size = static_cast<std::size_t>(status.bytes);
  const std::shared_ptr<std::byte> memory = allocate_aligned(size, doing(what, path));
  read_whole(file, status, {memory.get(), size}, what, path);
  FileBytes result;
  result.name_ = path;
  result.bytes_ = {memory.get(), size};
  result.owner_ = memory;
  return result;
}

FileBytes FileBytes::map(const std::string& path, std::size_t max_bytes, std::string_view what) {
  const auto file = std::make_shared<const OpenFile>(path, what);
  const auto size = static_cast<std::size_t>(file->checked_status(max_bytes).bytes);
  FileBytes result;
  result.name_ = path;
  if (size == 0) return result;
  const std::shared_ptr<const std::byte> memory = file->map(size);
  result.open_ = file;
  result.bytes_ = {memory.get(), size};
  result.owner_ = memory;
  return result;
}

FileBytes FileBytes::copy_of(std::span<const std::byte> bytes, std::string name) {
  const std::shared_ptr<std::byte> memory =
      allocate_aligned(bytes.size(), doing("a copy of", name));
  std::copy(bytes.begin(), bytes.end(), memory.get());
  FileBytes result;
  result.name_ = std::move(name);
  result.bytes_ = {memory.get(), bytes.size()};
  result.owner_ = memory;
  return result;
}

void FileBytes::copy(std::size_t offset, std::span<std::byte> out) const {
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
    throw Error(ErrorCode::corrupt,
                "reading " + quote(name_) + ": bytes " + std::to_string(offset) + " to " +
                    std::to_string(offset + out.size()) + " were wanted, the file has " +
                    std::to_string(bytes_.size()));
  if (open_ != nullptr)
    open_->read_all(out, offset);
  else
    std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
}

std::string read_file(const std::string& path, std::size_t max_bytes, std::string_view what) {
  const FileBytes file = FileBytes::read(path, max_bytes, what);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  if (const int failure = file_system().list(path, names); failure < 0)
    throw_system_error(failure, "the directory", path);
  std::sort(names.begin(), names.end());
  return names;
}

bool is_directory(const std::string& path) {
  return is_kind(path, FileStatus::Kind::directory);
}

bool is_regular_file(const std::string& path) {
  return is_kind(path, FileStatus::Kind::regular);
}

std::string join_path(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

}  // namespace tandem
