#include "api/device_settings.h"

#include <algorithm>
#include <thread>

#include <tandem/error.h>

namespace tandem {
namespace {

bool is_gpu(const Device& device) {
  return device.kind() == Device::Kind::cuda;
}

// Decisions/0004 has the measurements.
constexpr int kCpuBatchTokens = 512;
// 512 sentences of 32 tokens. At 24 KB of keys and values for a token in base size it is 0.4 GB.
constexpr int kGpuBatchTokens = 16384;
constexpr int kGpuWorkers = 2;

// On a CPU splitting one product over the threads is faster for fewer. On a GPU they are one batch.
constexpr std::size_t kCpuRequests = 2;
constexpr std::size_t kGpuRequests = 512;

}  // namespace

EngineOptions with_device_settings(EngineOptions options) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw Error(ErrorCode::invalid_argument, what);
  };
  require(options.threads >= 0 && options.threads <= 1024, "threads: expected 0 to 1024");
  require(options.batch_tokens >= 0, "batch_tokens: expected at least 0");
  const bool gpu = is_gpu(options.device);
  if (options.threads == 0)
    options.threads =
        gpu ? kGpuWorkers : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (options.batch_tokens == 0) options.batch_tokens = gpu ? kGpuBatchTokens : kCpuBatchTokens;
  return options;
}

std::size_t least_requests_of_worker(const Device& device) {
  return is_gpu(device) ? kGpuRequests : kCpuRequests;
}

}  // namespace tandem
