#include "progress.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

namespace tandem::cli {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr int kBarCells = 24;

std::string minutes_and_seconds(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(seconds, 0.0, 359'999.0));
  char text[32];
  std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

}  // namespace

void ProgressFlag::add_to(CLI::App& app) {
  app.add_option("--progress", mode, "Progress bar on standard error; auto: on a terminal only")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

bool ProgressFlag::enabled() const {
  return mode == "always" || (mode == "auto" && ::isatty(STDERR_FILENO) == 1);
}

Progress::Progress(bool enabled, std::optional<std::uint64_t> total_bytes)
    : enabled_(enabled), total_bytes_(total_bytes) {}

Progress::~Progress() {
  if (!enabled_ || done_lines_ == 0) return;
  hide();
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::fprintf(stderr, "%.0f lines, %lld tokens in %.1f s (%.1f lines/s, %.0f tokens/s)\n",
               done_lines_, static_cast<long long>(tokens_), seconds, done_lines_ / seconds,
               static_cast<double>(tokens_) / seconds);
}

void Progress::begin_chunk(std::size_t lines, std::size_t bytes) {
  chunk_lines_ = lines;
  chunk_bytes_ = bytes;
  draw(0);
}

void Progress::within_chunk(double fraction) {
  draw(fraction);
}

void Progress::end_chunk(std::int64_t tokens) {
  done_lines_ += static_cast<double>(chunk_lines_);
  done_bytes_ += static_cast<double>(chunk_bytes_);
  tokens_ += tokens;
  chunk_lines_ = 0;
  chunk_bytes_ = 0;
  draw(0);
}

void Progress::hide() {
  if (std::exchange(visible_, false)) std::fputs("\r\033[K", stderr);
}

std::string Progress::text(double lines, double bytes) const {
  const double seconds =
      std::max(1e-3, std::chrono::duration<double>(Clock::now() - start_).count());
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "%.0f lines  %.1f lines/s  %.0f tokens/s", lines,
                lines / seconds, static_cast<double>(tokens_) / seconds);
  if (!total_bytes_ || *total_bytes_ == 0) return numbers;
  const double done = std::min(1.0, bytes / static_cast<double>(*total_bytes_));
  const int cells = static_cast<int>(done * kBarCells);
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3.0f %%", done * 100);
  std::string line = "[";
  line.append(static_cast<std::size_t>(cells), '#');
  line.append(static_cast<std::size_t>(kBarCells - cells), '.');
  line += std::string("] ") + percent + "  " + numbers;
  if (done > 0) line += "  ETA " + minutes_and_seconds(seconds / done - seconds);
  return line;
}

void Progress::draw(double fraction) {
  const Clock::time_point now = Clock::now();
  if (!enabled_ || now - last_draw_ < kRedraw) return;
  last_draw_ = now;
  visible_ = true;
  const std::string line = text(done_lines_ + fraction * static_cast<double>(chunk_lines_),
                                done_bytes_ + fraction * static_cast<double>(chunk_bytes_));
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

}  // namespace tandem::cli
