#include "api/measure_passes.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "api/model_decoder.h"

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRows[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
constexpr int kCached = 8;  // positions before those of the measured pass
constexpr int kMostRounds = 5;
constexpr std::chrono::milliseconds kEnough{10};

// `rows` tokens after the cached ones, each with a question for the best next one.
Row pass_over(int rows, bool is_first) {
  Row row;
  row.parent = is_first ? -1 : 0;
  row.keep = is_first ? 0 : kCached;
  row.feed.assign(static_cast<std::size_t>(rows), 0);
  row.queries.resize(row.feed.size());
  for (CandidateQuery& query : row.queries) query.space = ScoreSpace::logits;
  return row;
}

// A CPU backend shares its work out evenly and this thread takes part, so that the time it worked
// is what a pass takes when no other program is in the way. A GPU works while this thread waits.
double seconds(const Backend& backend) {
  if (backend.device().kind() != Device::Kind::cpu)
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  timespec worked{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
  return static_cast<double>(worked.tv_sec) + 1e-9 * static_cast<double>(worked.tv_nsec);
}

double seconds_of(ModelDecoder& decoder, const Backend& backend, int sentence, const Row& row) {
  const SentenceRows line{sentence, std::span(&row, 1)};
  Candidates answers;
  const double start = seconds(backend);
  decoder.step(std::span(&line, 1), std::span(&answers, 1));
  return seconds(backend) - start;
}

}  // namespace

PassCosts measure_passes(const EncoderDecoder& network, Backend& backend,
                         std::shared_ptr<const EncodedSource> source) {
  const std::int64_t positions = network.max_target_positions();
  std::vector<Row> passes;
  std::vector<PassCosts::Point> points;
  for (const int rows : kRows) {
    if (positions > 0 && kCached + rows > positions) break;
    passes.push_back(pass_over(rows, /*is_first=*/false));
    points.push_back({rows, std::numeric_limits<double>::infinity()});
  }
  if (passes.empty()) return PassCosts({{1, 1}});

  ModelDecoder decoder(network, backend, /*passes_per_wait=*/1);
  const int sentence = decoder.add(std::move(source), {});
  seconds_of(decoder, backend, sentence, pass_over(kCached, /*is_first=*/true));
  seconds_of(decoder, backend, sentence, passes.back());  // takes the memory that the others need
  const auto start = Clock::now();
  for (int round = 0; round < kMostRounds; ++round) {
    if (round > 0 && Clock::now() - start > kEnough) break;
    for (std::size_t i = 0; i < passes.size(); ++i)
      points[i].time = std::min(points[i].time, seconds_of(decoder, backend, sentence, passes[i]));
  }
  return PassCosts(std::move(points));
}

std::shared_ptr<const PassCosts> MeasuredPasses::get(
    const EncoderDecoder& network, Backend& backend,
    const std::shared_ptr<const EncodedSource>& source) {
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = by_backend_.try_emplace(backend.name());
  if (!is_new) return place->second;
  try {
    place->second = std::make_shared<const PassCosts>(measure_passes(network, backend, source));
  } catch (const Error&) {  // drafts keep a fixed length; the request meets the error itself
  }
  return place->second;
}

}  // namespace tandem
