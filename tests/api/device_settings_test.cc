// Laws of what the kind of a device decides about an engine.
#include "api/device_settings.h"

#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {
namespace {

EngineOptions on(Device device, int threads = 0, int batch_tokens = 0) {
  EngineOptions options;
  options.device = device;
  options.threads = threads;
  options.batch_tokens = batch_tokens;
  return options;
}

TEST(DeviceSettings, WhatIsGivenStays) {
  for (const Device device : {Device::cpu(), Device::cuda(0), Device{}}) {
    const EngineOptions options = with_device_settings(on(device, 3, 100));
    EXPECT_EQ(options.threads, 3);
    EXPECT_EQ(options.batch_tokens, 100);
  }
}

TEST(DeviceSettings, AGpuHasFewWorkersWithLargeBatches) {
  const EngineOptions cpu = with_device_settings(on(Device::cpu()));
  const EngineOptions gpu = with_device_settings(on(Device::cuda(1)));
  EXPECT_GE(cpu.threads, 1);
  EXPECT_EQ(gpu.threads, 2);
  EXPECT_GE(gpu.batch_tokens, 8 * cpu.batch_tokens);
}

TEST(DeviceSettings, NumbersOutOfRangeAreRefused) {
  for (const EngineOptions& options :
       {on(Device::cpu(), -1), on(Device::cpu(), 1025), on(Device::cuda(0), 0, -1)}) {
    try {
      with_device_settings(options);
      ADD_FAILURE() << options.threads << ' ' << options.batch_tokens;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
}

}  // namespace
}  // namespace tandem
