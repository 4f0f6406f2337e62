// A progress bar on standard error: lines, lines per second, tokens per second, and the time left
// when the size of the input is known. It is drawn at most ten times a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace tandem::cli {

// --progress auto|always|never; auto draws on a terminal only.
struct ProgressFlag {
  std::string mode = "auto";

  void add_to(CLI::App& app);
  bool enabled() const;
};

class Progress {
 public:
  Progress(bool enabled, std::optional<std::uint64_t> total_bytes);
  ~Progress();  // leaves a summary line where a bar was drawn
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A chunk of input of so many lines and bytes has begun.
  void begin_chunk(std::size_t lines, std::size_t bytes);
  // So much of the chunk is done, as a fraction of it.
  void within_chunk(double fraction);
  // The chunk is done and gave so many tokens.
  void end_chunk(std::int64_t tokens);
  // Takes the bar off the screen, so that something else can be written to standard error.
  void hide();

 private:
  using Clock = std::chrono::steady_clock;

  std::string text(double lines, double bytes) const;
  void draw(double fraction);

  bool enabled_;
  bool visible_ = false;
  std::optional<std::uint64_t> total_bytes_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_{};
  double done_lines_ = 0;
  double done_bytes_ = 0;
  std::int64_t tokens_ = 0;
  std::size_t chunk_lines_ = 0;
  std::size_t chunk_bytes_ = 0;
};

}  // namespace tandem::cli
