#include "line_io.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tandem/error.h>

namespace tandem::cli {
namespace {

[[noreturn]] void throw_errno(const std::string& doing, int code) {
  throw Error(code == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_argument,
              doing + ": " + std::strerror(code));
}

bool is_standard_stream(const std::string& path) {
  return path.empty() || path == "-";
}

}  // namespace

LineReader::LineReader(std::vector<std::string> paths) {
  if (paths.empty()) paths.emplace_back("-");
  std::uint64_t total = 0;
  bool all_regular = true;
  for (const std::string& path : paths) {
    File file;
    file.descriptor =
        is_standard_stream(path) ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file.descriptor < 0) throw_errno("opening " + path, errno);
    files_.push_back(file);
    struct stat status {};
    if (::fstat(file.descriptor, &status) != 0) throw_errno("reading " + path, errno);
    if (S_ISDIR(status.st_mode)) throw_errno("reading " + path, EISDIR);
    files_.back().device = status.st_dev;
    files_.back().inode = status.st_ino;
    all_regular = all_regular && S_ISREG(status.st_mode);
    total += static_cast<std::uint64_t>(status.st_size);
  }
  if (all_regular) total_bytes_ = total;
}

LineReader::~LineReader() {
  for (const File& file : files_)
    if (file.descriptor > STDERR_FILENO) ::close(file.descriptor);
}

bool LineReader::reads_from(std::uint64_t device, std::uint64_t inode) const {
  for (const File& file : files_)
    if (file.device == device && file.inode == inode) return true;
  return false;
}

bool LineReader::fill() {
  constexpr std::size_t kReadBytes = std::size_t{1} << 16;
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  while (current_ < files_.size()) {
    const std::size_t size = buffer_.size();
    buffer_.resize(size + kReadBytes);
    const ssize_t count = ::read(files_[current_].descriptor, buffer_.data() + size, kReadBytes);
    const int code = errno;
    buffer_.resize(size + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count > 0) return true;
    if (count == 0) {
      ++current_;
    } else if (code != EINTR) {
      throw_errno("reading the input", code);
    }
  }
  return false;
}

bool LineReader::more_at_once() {
  if (current_ >= files_.size()) return false;
  pollfd request{files_[current_].descriptor, POLLIN, 0};
  return ::poll(&request, 1, kPauseMs) > 0;
}

bool LineReader::take_line(Line& line) {
  const std::size_t end = buffer_.find('\n', scanned_);
  scanned_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (scanned_ - begin_ > kMaxLineBytes) dropping_ = true;
  if (end == std::string::npos) {
    if (dropping_) begin_ = scanned_;  // forget what cannot be used
    return false;
  }
  line = Line{};
  line.oversized = std::exchange(dropping_, false);
  if (!line.oversized) line.text.assign(buffer_, begin_, end - begin_);
  begin_ = scanned_;
  return true;
}

bool LineReader::read(std::size_t max_lines, std::vector<Line>& lines) {
  lines.clear();
  std::size_t bytes = 0;
  Line line;
  while (lines.size() < max_lines && bytes < kChunkBytes) {
    if (take_line(line)) {
      bytes += line.text.size() + 1;
      lines.push_back(std::move(line));
      continue;
    }
    if (!lines.empty() && !more_at_once()) break;
    if (fill()) continue;
    if (begin_ < buffer_.size() || dropping_) {  // the last line has no end
      line = Line{};
      line.terminated = false;
      line.oversized = std::exchange(dropping_, false);
      if (!line.oversized) line.text.assign(buffer_, begin_);
      begin_ = scanned_ = buffer_.size();
      lines.push_back(std::move(line));
    }
    break;
  }
  return !lines.empty();
}

LineWriter::LineWriter(const std::string& path, const LineReader* reader)
    : descriptor_(STDOUT_FILENO) {
  if (is_standard_stream(path)) return;
  // Not truncated until it is known to be no input.
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_errno("opening " + path + " for writing", errno);
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw_errno("opening " + path, errno);
  if (reader != nullptr && reader->reads_from(status.st_dev, status.st_ino)) {
    ::close(descriptor_);
    throw Error(ErrorCode::invalid_argument, path + " is both an input and the output");
  }
  if (S_ISREG(status.st_mode) && ::ftruncate(descriptor_, 0) != 0)
    throw_errno("overwriting " + path, errno);
}

LineWriter::~LineWriter() {
  if (descriptor_ != STDOUT_FILENO) ::close(descriptor_);
}

void LineWriter::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor_, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EPIPE) {
      throw BrokenPipe();
    } else if (errno != EINTR) {
      throw_errno("writing the output", errno);
    }
  }
}

}  // namespace tandem::cli
