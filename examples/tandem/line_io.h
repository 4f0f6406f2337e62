// Lines in, whole chunks out. The reader hands over as many lines as are there, so that a file is
// processed in large batches and a person at a keyboard, or a program on the other end of a pipe,
// gets each answer at once. Memory is bounded by the chunk and by the longest line allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::cli {

struct Line {
  std::string text;        // without its '\n'
  bool terminated = true;  // false for a last line without '\n'
  bool oversized = false;  // longer than the reader allows; `text` is then empty
};

class LineReader {
 public:
  // Reads the files one after another; none, or "-", is standard input. Throws tandem::Error.
  explicit LineReader(std::vector<std::string> paths);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Waits for one line, then takes those that follow without a pause, `max_lines` at most and
  // about kChunkBytes in all. Answers false at the end of the input.
  bool read(std::size_t max_lines, std::vector<Line>& lines);

  // Size of the whole input, if all of it is regular files.
  std::optional<std::uint64_t> total_bytes() const { return total_bytes_; }
  // True if `device` and `inode` are those of an input file, which must not be written to.
  bool reads_from(std::uint64_t device, std::uint64_t inode) const;

  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;
  static constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
  static constexpr int kPauseMs = 10;  // an input that stays silent this long has paused

 private:
  bool fill();          // reads once more; false at the end of all inputs
  bool more_at_once();  // whether a read would not wait
  bool take_line(Line& line);

  struct File {
    int descriptor = -1;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };
  std::vector<File> files_;
  std::size_t current_ = 0;
  std::optional<std::uint64_t> total_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;    // start of the first line that has not been taken
  std::size_t scanned_ = 0;  // no '\n' in [begin_, scanned_)
  bool dropping_ = false;    // inside an oversized line
};

// The reader of our output went away (EPIPE).
class BrokenPipe : public std::runtime_error {
 public:
  BrokenPipe() : std::runtime_error("broken pipe") {}
};

// Standard output, or a file that is overwritten.
class LineWriter {
 public:
  // An empty path or "-" is standard output. Throws tandem::Error, also if `reader` reads the file.
  LineWriter(const std::string& path, const LineReader* reader);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Hands all of it to the system. Throws BrokenPipe or tandem::Error.
  void write(std::string_view text);

 private:
  int descriptor_;
};

}  // namespace tandem::cli
