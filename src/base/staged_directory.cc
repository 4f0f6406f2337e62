#include "base/staged_directory.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tandem/error.h>

#include "base/check.h"
#include "base/file_io.h"
#include "base/quote.h"

namespace tandem {
namespace {

constexpr int kMaxNames = 100;  // hidden directories that other processes may have left

[[noreturn]] void throw_failed(const std::string& path, int error) {
  const std::string message =
      "writing " + quote(path) + ": " + std::generic_category().message(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      throw Error(ErrorCode::resource_exhausted, message);
    case EIO:
      throw Error(ErrorCode::corrupt, message);
    case EEXIST:
    case ENOTEMPTY:
      throw Error(ErrorCode::invalid_argument, message);
    default:
      throw Error(ErrorCode::not_found, message);
  }
}

// A file or a directory that is open; closes itself.
class Handle {
 public:
  Handle(const std::string& path, int flags)
      : path_(path), handle_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (handle_ < 0) throw_failed(path_, errno);
  }
  ~Handle() { ::close(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void write(std::span<const std::byte> bytes) const {
    constexpr std::size_t kLargestWrite = std::size_t{1} << 30;  // Linux writes 2 GiB at most
    while (!bytes.empty()) {
      const ssize_t count = ::write(handle_, bytes.data(), std::min(bytes.size(), kLargestWrite));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw_failed(path_, count < 0 ? errno : EIO);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void flush() const {
    if (::fsync(handle_) != 0) throw_failed(path_, errno);
  }

 private:
  const std::string& path_;
  int handle_;
};

void flush_directory(const std::string& path) {
  Handle(path, O_RDONLY | O_DIRECTORY).flush();
}

}  // namespace

StagedDirectory::StagedDirectory(const std::string& target) : target_(target) {
  while (target_.size() > 1 && target_.back() == '/') target_.pop_back();
  const std::size_t slash = target_.find_last_of('/');
  const std::string name = target_.substr(slash == std::string::npos ? 0 : slash + 1);
  if (!is_plain_file_name(name))
    throw Error(ErrorCode::invalid_argument,
                "writing " + quote(target) + ": expected the name of a directory");
  parent_ = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
  for (int number = 0; number < kMaxNames; ++number) {
    path_ = join_path(parent_, "." + name + ".partial-" + std::to_string(::getpid()) + "-" +
                                   std::to_string(number));
    if (::mkdir(path_.c_str(), 0777) == 0) return;
    if (errno != EEXIST) break;
  }
  throw_failed(path_, errno);
}

StagedDirectory::~StagedDirectory() {
  for (const std::string& name : names_) ::unlink(join_path(path_, name).c_str());
  ::rmdir(path_.c_str());
}

void StagedDirectory::write(const std::string& name,
                            std::span<const std::span<const std::byte>> pieces) {
  TANDEM_CHECK(is_plain_file_name(name));
  const std::string path = join_path(path_, name);
  const Handle file(path, O_WRONLY | O_CREAT | O_EXCL);
  names_.push_back(name);
  for (const std::span<const std::byte> piece : pieces) file.write(piece);
  file.flush();
}

void StagedDirectory::commit(bool replace) {
  flush_directory(path_);
  if (replace && is_directory(target_)) {
    std::vector<std::string> old = list_directory(target_);
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0)
      throw_failed(target_, errno);
    names_ = std::move(old);
  } else {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0)
      throw_failed(target_, errno);
    names_.clear();
  }
  flush_directory(parent_);
}

}  // namespace tandem
