#include "api/device_settings.h"

#include <algorithm>
#include <thread>

#include <tandem/error.h>

namespace tandem {
namespace {

// Measured in decisions/0004.
constexpr int kCpuBatchTokens = 576;
// 512 sentences of 32 tokens. At 24 KB of keys and values for a token in base size it is 0.4 GB.
// Not measured on a device, nor is the number of workers.
constexpr int kGpuBatchTokens = 16384;
constexpr int kGpuWorkers = 2;

}  // namespace

EngineOptions with_device_settings(EngineOptions options) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw Error(ErrorCode::invalid_argument, what);
  };
  require(options.threads >= 0 && options.threads <= 1024, "threads: expected 0 to 1024");
  require(options.batch_tokens >= 0, "batch_tokens: expected at least 0");
  const bool gpu = options.device.kind() == Device::Kind::cuda;
  if (options.threads == 0)
    options.threads =
        gpu ? kGpuWorkers : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (options.batch_tokens == 0) options.batch_tokens = gpu ? kGpuBatchTokens : kCpuBatchTokens;
  return options;
}
}  // namespace tandem
